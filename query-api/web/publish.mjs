// Puts what the build made where the binary embeds it, and leaves alone what is equal already: cargo
// compiles again what embeds a file that was written, whatever is in it.
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";

const [built, published] = process.argv.slice(2);

/** The paths of all files below a folder. */
function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

const files = filesBelow(built);
for (const file of files) {
  const [from, to] = [join(built, file), join(published, file)];
  if (existsSync(to) && readFileSync(from).equals(readFileSync(to))) continue;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
for (const file of filesBelow(published)) {
  if (!files.includes(file)) rmSync(join(published, file));
}
