/** A provenance document cannot be read, or contradicts its own format. `code` is stable; the message is a sentence for people. */
export class ProvenanceError extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
