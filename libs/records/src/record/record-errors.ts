import {
  BadRequestException,
  ConflictException,
  NotFoundException,
  PreconditionFailedException,
  UnprocessableEntityException,
} from '@nestjs/common';
import type { Fault } from './record-fields.js';
import type { RecordKind } from './record-kind.js';

export function notFound({ noun }: RecordKind): NotFoundException {
  return new NotFoundException(`There is no ${noun} of this id.`);
}

export function invalid(faults: readonly Fault[]): BadRequestException {
  const [first] = faults;
  const detail =
    faults.length === 1 && first !== undefined
      ? `${first.path === '' ? 'body' : first.path}: ${first.message}`
      : `${faults.length} fields are not as expected; see "errors".`;
  return new BadRequestException({ code: 'validation_failed', detail, errors: faults });
}

export function idTaken({ noun }: RecordKind): ConflictException {
  return new ConflictException({ code: 'conflict', detail: `There is a ${noun} of this id already.` });
}

export function changedMeanwhile({ noun }: RecordKind): PreconditionFailedException {
  return new PreconditionFailedException({
    code: 'precondition_failed',
    detail: `The ${noun} is not in the state that If-Match names; read it again.`,
  });
}

export function noSuchLead(): UnprocessableEntityException {
  return new UnprocessableEntityException({
    code: 'unprocessable',
    detail: 'lead_id: there is no lead of this id.',
    errors: [{ path: 'lead_id', message: 'there is no lead of this id' }],
  });
}

export function noSuchImport(): NotFoundException {
  return new NotFoundException('There is no import of this id.');
}

export function readOnly(): ConflictException {
  return new ConflictException({
    code: 'records_read_only',
    detail: 'These records are fed by a pipeline (RECORDS_OWNER=etl); change them at their source.',
  });
}
