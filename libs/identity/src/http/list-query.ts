import { ApiPropertyOptional } from '@nestjs/swagger';
import { PageQuery } from '@promptsales/http-edge';
import { IsOptional } from 'class-validator';
import { IsPrintableText } from './printable-text.js';

/** `?limit=&cursor=&tenant=` */
export class ListQuery extends PageQuery {
  @ApiPropertyOptional({ description: 'Only this tenant’s.' })
  @IsOptional()
  @IsPrintableText(128)
  tenant?: string;
}
