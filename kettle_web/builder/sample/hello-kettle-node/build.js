// Copies the program, writes the page, and says what it made: nothing of the time or the machine goes into dist/.
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { clock, secondsToBoil } from "./src/thermo.js";

mkdirSync("dist", { recursive: true });
for (const name of ["main.js", "thermo.js"]) cpSync(`src/${name}`, `dist/${name}`);
cpSync("package.json", "dist/package.json");
const said = `A litre of water boils in ${clock(secondsToBoil())}.`;
writeFileSync("dist/index.html", readFileSync("src/page.html", "utf8").replace("{{said}}", said));
for (const name of readdirSync("dist").sort()) {
  const digest = createHash("sha256").update(readFileSync(`dist/${name}`)).digest("hex");
  console.log(`dist/${name}  ${digest}`);
}
console.log(said);
