/** Words that carry grammar and little meaning, of English and Spanish. Negations are not among them. */
const ENGLISH =
  'a an the of to in on at by for from with as into about and or but if then than so that this these those there here ' +
  'i me my mine myself we us our ours you your yours yourself he him his she her hers it its they them their theirs ' +
  'one someone somebody something anyone anybody anything everyone people ' +
  'is am are was were be been being do does did doing done have has had having will would shall should can could may ' +
  'might must what which who whom whose when where why how ' +
  'some any all each every other another such own same just only very really too also even still ever please get got ' +
  'getting go going make makes made let want need way ways thing things like';
const SPANISH =
  'el la los las un una unos unas de del al en y o u a e que qué cual cuál cuales cuáles quien quién como cómo cuando ' +
  'cuándo donde dónde por para con es son era fue ser estar está están soy hay ha han he hace hacer se su sus mi mis tu ' +
  'tus te me le les lo nos este esta esto estos estas ese esa eso si más muy puede puedo pueden';

export const FUNCTION_WORDS: ReadonlySet<string> = new Set(`${ENGLISH} ${SPANISH}`.split(' '));
