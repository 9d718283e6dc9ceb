/** Which software ran there? Only an allow-list can tell. */

import { LAYOUT } from "./binding.js";
import { CheckImpossible, CheckSkipped, passed, step } from "./outcomes.js";
import { PLATFORM_FAMILIES, entryFor } from "./policy.js";
import { isoFormat } from "./times.js";

export const ALLOW_LIST = "image.allow-list";

function allowList(inquiry) {
  const { policy, platform, claims } = inquiry;
  const measurement = claims.measurement ?? "";
  if (policy.entries.length === 0) throw new CheckImpossible("image.no-list", "the allow-list of builder images is empty");
  if (!Object.hasOwn(PLATFORM_FAMILIES, platform)) {
    throw new CheckImpossible("image.platform", "no allow-list entry can be made for this platform");
  }
  const entry = entryFor(policy, platform, claims, inquiry.judgedAt);
  if (entry === null) {
    const other = entryFor(policy, platform, claims);
    if (other !== null) throw new CheckImpossible("image.out-of-dates", `the allow-list entry ${other.name} ${dates(other)}`);
    throw new CheckImpossible("image.unknown", `no allow-list entry matches the measurement ${measurement}`);
  }
  inquiry.policyEntry = entry;
  const anchor = `allow-list, pinned by ${entry.pinned_by}`;
  return passed({ expected: `${entry.name}: ${entry.measurement}`, actual: measurement, anchor });
}

function isolation({ policyEntry: entry }) {
  if (entry?.isolates) return passed({ actual: `the allow-list says that ${entry.name} isolates them` });
  let aside = "";
  if (entry !== null) {
    const said = entry.isolates === false ? "says that this image does not isolate" : "does not say that this image isolates";
    aside = `; the allow-list ${said} them`;
  }
  const message = "Kettle has no inner sandbox: project code runs beside the attester and could drive it";
  throw new CheckSkipped("image.no-isolation", message + aside);
}

function dates({ validFrom, validUntil }) {
  const begins = `holds only from ${isoFormat(validFrom)}`;
  return validUntil === null ? begins : `${begins} until ${isoFormat(validUntil)}`;
}

export const IMAGE_STEPS = [
  step(ALLOW_LIST, "builder-image", allowList, [LAYOUT]),
  step("image.isolation", "builder-image", isolation, [], { required: false }),
];
