export { ADMINISTRATOR, anonymousPrincipal, type Principal } from './access/principal.js';
export { isScope, SCOPES, type Scope } from './access/scope.js';
