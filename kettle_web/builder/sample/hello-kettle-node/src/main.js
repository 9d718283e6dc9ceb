import { clock, secondsToBoil } from "./thermo.js";

const litres = Number(process.argv[2] ?? 1);
console.log(`${litres} l of water boil in ${clock(secondsToBoil({ litres }))}.`);
