/** What keeps an archive from being read; `code` names the sentence for it. */
export class ArchiveProblem extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}
