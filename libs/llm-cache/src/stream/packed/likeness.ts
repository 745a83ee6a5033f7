/**
 * How the frames of the protocols begin and end that we know: packed frames refer to it instead of saying it again. It is
 * part of version 2 and never changes; frames that are like nothing here only cost their own beginnings and ends, once.
 */
export const LIKENESS = Buffer.from(
  [
    'data: {"type":"error","error":{"type":"","message":""}}\n\n',
    'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"resp_","object":"response","created_at":1,"status":"in_progress","background":false,"error":null,"incomplete_details":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"model":"gpt-","output":[],"parallel_tool_calls":true,"previous_response_id":null,"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"service_tier":"auto","store":true,"temperature":1.0,"text":{"format":{"type":"text"},"verbosity":"medium"},"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":1.0,"truncation":"disabled","usage":null,"user":null,"metadata":{}}}\n\n',
    'event: response.in_progress\ndata: {"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_',
    'event: response.output_item.added\ndata: {"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_","type":"message","status":"in_progress","content":[],"role":"assistant"}}\n\n',
    'event: response.content_part.added\ndata: {"type":"response.content_part.added","sequence_number":3,"item_id":"msg_","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}\n\n',
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_","output_index":0,"content_index":0,"delta":"","logprobs":[],"obfuscation":""}\n\n',
    'event: response.output_text.done\ndata: {"type":"response.output_text.done","sequence_number":5,"item_id":"msg_","output_index":0,"content_index":0,"text":"","logprobs":[]}\n\n',
    'event: response.content_part.done\ndata: {"type":"response.content_part.done","sequence_number":6,"item_id":"msg_","output_index":0,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}}\n\n',
    'event: response.function_call_arguments.delta\ndata: {"type":"response.function_call_arguments.delta","sequence_number":4,"item_id":"fc_","output_index":0,"delta":""}\n\n',
    'event: response.function_call_arguments.done\ndata: {"type":"response.function_call_arguments.done","sequence_number":5,"item_id":"fc_","output_index":0,"arguments":""}\n\n',
    'event: response.output_item.done\ndata: {"type":"response.output_item.done","sequence_number":7,"output_index":0,"item":{"id":"msg_","type":"message","status":"completed","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":""}],"role":"assistant"}}\n\n',
    'event: response.completed\ndata: {"type":"response.completed","sequence_number":8,"response":{"id":"resp_","object":"response","created_at":1,"status":"completed"',
    'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_","type":"message","role":"assistant","model":"claude-","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":1,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"cache_creation":{"ephemeral_5m_input_tokens":0,"ephemeral_1h_input_tokens":0},"output_tokens":1,"service_tier":"standard"}}}\n\n',
    'event: ping\ndata: {"type": "ping"}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","id":"toolu_","name":"","input":{}}}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}\n\n',
    'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":""}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":""}}\n\n',
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":""}}\n\n',
    'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":1}}\n\n',
    'event: message_stop\ndata: {"type":"message_stop"}\n\n',
    'data: {"id":"cmpl-","object":"text_completion","created":1,"choices":[{"text":"","index":0,"logprobs":null,"finish_reason":null}],"model":"gpt-","system_fingerprint":null,"usage":null}\n\n',
    'data: {"id":"chatcmpl-","object":"chat.completion.chunk","created":1,"model":"gpt-","service_tier":"default","system_fingerprint":"fp_","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_","type":"function","function":{"name":"","arguments":""}}]},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":""}\n\n',
    'data: {"id":"chatcmpl-","object":"chat.completion.chunk","created":1,"model":"gpt-","service_tier":"default","system_fingerprint":"fp_","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":""}\n\n',
    'data: {"id":"chatcmpl-","object":"chat.completion.chunk","created":1,"model":"gpt-","service_tier":"default","system_fingerprint":"fp_","choices":[{"index":0,"delta":{"content":""},"logprobs":null,"finish_reason":null}],"usage":null,"obfuscation":""}\n\n',
    'data: {"id":"chatcmpl-","object":"chat.completion.chunk","created":1,"model":"gpt-","service_tier":"default","system_fingerprint":"fp_","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}],"usage":null}\n\n',
    'data: {"id":"chatcmpl-","object":"chat.completion.chunk","created":1,"model":"gpt-","service_tier":"default","system_fingerprint":"fp_","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":1,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}\n\n',
    'data: [DONE]\n\n',
  ].join(''),
);
