/**
 * Words that turn an answer round: the axes on which they lie, and on which side of one. Two texts that lie on different
 * sides, or of which only one takes a side, do not ask for the same.
 */
const OPPOSITES = `
enable activate | disable deactivate
on | off
allow permit grant | deny block forbid ban prohibit revoke
accept approve | reject decline refuse
increase raise gain grow rise boost | decrease reduce lower lose shrink fall cut
add insert include append | remove delete exclude drop
create build | destroy
buy purchase | sell
start begin open launch | stop end close quit
install | uninstall
subscribe join register signup | unsubscribe leave cancel
upload import | download export
encrypt encode | decrypt decode
lock | unlock
before | after
best good better | worst bad worse
more most max maximum highest | less least fewer min minimum lowest
high tall | low short
hot warm | cold cool
male man men boy guy husband father son brother his | female woman women girl wife mother daughter sister her
left | right
north | south
east | west
first | last
old older | new newer young younger
safe | dangerous unsafe
legal | illegal
possible | impossible
positive | negative
pro advantage benefit | con disadvantage drawback
love | hate dislike
win | lose
cheap | expensive
easy | hard difficult
hire | fire
true real | false fake
inner internal inside | outer external outside
public | private
input | output
push | pull
send | receive
borrow | lend
teach | learn
up | down
activar habilitar permitir | desactivar deshabilitar bloquear prohibir
aumentar subir | disminuir bajar reducir
comprar | vender
abrir empezar | cerrar terminar
mejor | peor
más | menos
antes | después
`;

export const SIDES: ReadonlyMap<string, ReadonlyMap<number, 1 | -1>> = sides();

function sides(): Map<string, Map<number, 1 | -1>> {
  const found = new Map<string, Map<number, 1 | -1>>();
  for (const [axis, line] of OPPOSITES.trim().split('\n').entries()) {
    for (const [at, words] of line.split('|').entries()) {
      for (const word of words.trim().split(/\s+/)) {
        const axes = found.get(word) ?? new Map<number, 1 | -1>();
        axes.set(axis, at === 0 ? 1 : -1);
        found.set(word, axes);
      }
    }
  }
  return found;
}
