import { BadRequestException } from '@nestjs/common';
import type { RequestHeaders } from '@promptsales/cache-core';
import type { Condition } from '../stored/condition.js';

const TAG = /^"[\x21\x23-\x7e\x80-\xff]*"$/;

/**
 * `If-Match` and `If-None-Match: *` of a write (RFC 9110). A weak tag matches nothing here, as a write wants it.
 * @throws BadRequestException for what is no such header: whoever sends one relies on it
 */
export function conditionOf(headers: RequestHeaders): Condition {
  const ifMatch = textOf(headers, 'if-match');
  const ifNoneMatch = textOf(headers, 'if-none-match');
  if (ifNoneMatch !== null && ifNoneMatch !== '*') {
    throw new BadRequestException('If-None-Match of a write takes * only.');
  }
  return { ifMatch: ifMatch === null || ifMatch === '*' ? ifMatch : tagsOf(ifMatch), ifNoneMatch };
}

function tagsOf(header: string): string[] {
  const tags = header.split(',').map((tag) => tag.trim());
  const bad = tags.find((tag) => !TAG.test(tag.replace(/^W\//, '')));
  if (bad !== undefined) throw new BadRequestException('If-Match takes entity tags in double quotes, or *.');
  return tags;
}

function textOf(headers: RequestHeaders, name: string): string | null {
  const value = headers[name];
  return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value.trim();
}
