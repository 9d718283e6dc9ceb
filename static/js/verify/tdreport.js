/**
 * TDREPORT: what the processor gave the machine before the quoting enclave made a quote of it, 1024 bytes. Azure's paravisor keeps it.
 * Source: Intel, «TDX Module ABI», TDREPORT_STRUCT, REPORTMACSTRUCT, TEE_TCB_INFO, TDINFO_BASE; evidence facts, section 3.
 */

import { unpack } from "./structure.js";

export const TDREPORT_BYTES = 1024;
export const TYPE_TDX = 0x81;
/** [start, end) of what `tcbInfoHash` and `tdInfoHash` are the SHA-384 of. */
export const TCB_INFO = [256, 495];
export const TD_INFO = [512, 1024];
const LAYOUT = [
  ["reportType", 1, "le"], ["reserved001", 15], ["cpusvn", 16], ["tcbInfoHash", 48], ["tdInfoHash", 48], ["reportData", 64],
  ["reserved192", 32], ["mac", 32], ["valid", 8], ["teeTcbSvn", 16], ["mrSeam", 48], ["mrsignerSeam", 48], ["tcbInfoRest", 119],
  ["reserved495", 17], ["tdAttributes", 8], ["xfam", 8], ["mrTd", 48], ["mrConfigId", 48], ["mrOwner", 48], ["mrOwnerConfig", 48],
  ["rtmr0", 48], ["rtmr1", 48], ["rtmr2", 48], ["rtmr3", 48], ["tdInfoRest", 112],
];

/** The report in 1024 bytes; judges no value. CPUSVN and MAC are what nobody can check outside the machine. */
export function tdreportParse(data) {
  return unpack(LAYOUT, data);
}
