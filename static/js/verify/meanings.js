/** What each check proves, and what it does not. Written by `manage.py verifier_data`; a test compares it with the Python side. Do not edit. */

const MEANINGS = {
  "snp.evidence": [
    "All fields are known and decode in their canonical form.",
    "Anything about their content."
  ],
  "report.parse": [
    "The report has the length of a SEV-SNP report.",
    "That anything in it is true."
  ],
  "report.version": [
    "The report is of a version whose fields are known.",
    "That the firmware is up to date."
  ],
  "report.reserved": [
    "Nothing hides in fields that the specification keeps empty.",
    "Anything about the fields in use."
  ],
  "report.generation": [
    "The report names a processor that this program knows.",
    "That such a processor made it: the signature does."
  ],
  "report.algorithm": [
    "The report says that it is signed with ECDSA P-384.",
    "That the signature holds."
  ],
  "report.padding": [
    "The bytes that the signature does not cover say nothing.",
    "That the signature holds."
  ],
  "report.vmpl": [
    "The report was requested at privilege level 0.",
    "Which software runs at that level."
  ],
  "report.debug": [
    "The host cannot read or change the machine's memory by the debug interface.",
    "That the software inside keeps its secrets."
  ],
  "report.policy": [
    "No migration agent, and reserved bits as specified.",
    "Anything about threads or sockets that are shared."
  ],
  "report.tcb-order": [
    "The reported level is at most the committed, the committed at most the running one.",
    "That the firmware is free of known weaknesses."
  ],
  "vek.parse": [
    "The certificate is in the one canonical form that the vendor uses, for a P-384 key.",
    "That the vendor issued it."
  ],
  "vek.signature": [
    "The holder of the pinned intermediate key certified this chip key: name byte for byte, and signature.",
    "That the chip key was never extracted from its chip."
  ],
  "snp.chain.intermediate": [
    "The issuer is one of the pinned intermediates. The vendor's were each checked to be signed by their root when they were pinned; an anchor that brings its certificates is verified again here.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "snp.chain.root": [
    "The root above this chain is one that this program carries by key, name and certificate fingerprint.",
    "That the vendor guards the root's private key."
  ],
  "vek.validity": [
    "The time of the check lies within the certificate's dates.",
    "That it was within them when the evidence was made."
  ],
  "chain.validity": [
    "The time of the check lies within the dates of both.",
    "That neither was revoked."
  ],
  "snp.revocation": [
    "The vendor's revocation list, signed by the root and within its dates, names neither root nor intermediate.",
    "Anything about single chips: their certificates all have serial number 0, so a list cannot name one."
  ],
  "report.signature": [
    "The processor that holds this key wrote every field of the report, its report_data among them.",
    "Which software ran: that is what the measurement is compared for."
  ],
  "report.key-info": [
    "The report names the kind of key that signed it, and the chip is not masked.",
    "That the key was not extracted."
  ],
  "chip.generation": [
    "The certificate was made for this generation of processors.",
    "Which chip of the generation it is."
  ],
  "chip.id": [
    "The chip id in the report is the one that the vendor certified. (A VLEK names a cloud provider instead.)",
    "Where the chip stands and who can touch it."
  ],
  "chip.tcb": [
    "The firmware level in the report is the one that the key was derived for.",
    "That this level is recent enough: no minimum is set."
  ],
  "minimum-tcb": [
    "Each component of the firmware has at least the level that was asked for.",
    "That the wanted level is high enough."
  ],
  "snp.signed-data": [
    "The bytes in report_data were given to the processor by software in the machine.",
    "What they mean: that is compared with the provenance."
  ],
  "gcp-snp.evidence": [
    "All fields are known and decode in their canonical form.",
    "Anything about their content."
  ],
  "gcp-snp.chain.intermediate": [
    "The issuer is one of the pinned intermediates. The vendor's were each checked to be signed by their root when they were pinned; an anchor that brings its certificates is verified again here.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "gcp-snp.chain.root": [
    "The root above this chain is one that this program carries by key, name and certificate fingerprint.",
    "That the vendor guards the root's private key."
  ],
  "gcp-snp.revocation": [
    "The vendor's revocation list, signed by the root and within its dates, names neither root nor intermediate.",
    "Anything about single chips: their certificates all have serial number 0, so a list cannot name one."
  ],
  "gcp-snp.signed-data": [
    "The bytes in report_data were given to the processor by software in the machine.",
    "What they mean: that is compared with the provenance."
  ],
  "version": [
    "The evidence is of version 1.",
    "Anything about its content."
  ],
  "az-snp.evidence": [
    "All fields decode in their canonical form and have their sizes.",
    "Anything about their content."
  ],
  "hcl.fields": [
    "The fields around the processor's report, which nothing signs, say nothing of their own.",
    "That the report is genuine."
  ],
  "hcl.type": [
    "The report's type is the one of the platform tag.",
    "That the tag is true: it is not signed."
  ],
  "az-snp.chain.intermediate": [
    "The issuer is one of the pinned intermediates. The vendor's were each checked to be signed by their root when they were pinned; an anchor that brings its certificates is verified again here.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "az-snp.chain.root": [
    "The root above this chain is one that this program carries by key, name and certificate fingerprint.",
    "That the vendor guards the root's private key."
  ],
  "az-snp.revocation": [
    "The vendor's revocation list, signed by the root and within its dates, names neither root nor intermediate.",
    "Anything about single chips: their certificates all have serial number 0, so a list cannot name one."
  ],
  "binding": [
    "report_data is the SHA-256 of the JSON that names the virtual TPM's key.",
    "That the paravisor is free of errors."
  ],
  "ak": [
    "There is exactly one attestation key, RSA-2048 with exponent 65537.",
    "That the key never left the virtual TPM."
  ],
  "vm": [
    "What is said of secure boot and the TPM is part of the bound JSON.",
    "That these settings were wanted: nothing demands them."
  ],
  "tpm.signature": [
    "The virtual TPM made this quote.",
    "That the key is the processor's: the binding shows that."
  ],
  "tpm.parse": [
    "The quote has the form of a TPM 2.0 quote.",
    "That anything in it is true."
  ],
  "tpm.structure": [
    "The TPM made a quote over the whole SHA-256 bank, and nothing follows it.",
    "That the registers have the right values."
  ],
  "tpm.pcrs": [
    "The 24 register values are those whose digest the TPM signed.",
    "Which software they stand for: that is what they are compared for."
  ],
  "az-snp.signed-data": [
    "The bytes in extraData were given to the virtual TPM by software in the machine.",
    "Which software: the administrator of any machine of this kind can have any bytes signed."
  ],
  "tdx.evidence": [
    "All fields are known and decode in their canonical form.",
    "Anything about their content."
  ],
  "quote.parse": [
    "The quote is of a known version and each part fits.",
    "That anything in it is true."
  ],
  "quote.header": [
    "The quote is of the kind that its platform makes.",
    "That such a machine made it: the signatures do."
  ],
  "quote.structure": [
    "The bytes that no signature covers say nothing of their own.",
    "That the signatures hold."
  ],
  "quote.debug": [
    "The host cannot read or change the machine's memory by the debug interface.",
    "That the software inside keeps its secrets."
  ],
  "quote.attributes": [
    "Signer and attributes of the module are Intel's, and no attribute makes the machine untrusted.",
    "That the module is up to date."
  ],
  "pck.parse": [
    "The chain is three certificates in the one canonical form, and says which chip and firmware the key is for.",
    "That Intel issued any of them."
  ],
  "tdx.chain.root": [
    "The root of the chain is, byte for byte, one that this program carries.",
    "That the vendor guards the root's private key."
  ],
  "tdx.chain.intermediate": [
    "The root certified the authority that issues chip keys.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "pck.signature": [
    "The vendor certified this chip key for this chip and firmware level.",
    "That the chip key was never extracted from its chip."
  ],
  "pck.validity": [
    "The time of the check lies within the certificate's dates.",
    "That it was within them when the evidence was made."
  ],
  "qe.signature": [
    "An enclave on this very chip wrote the report.",
    "Which enclave: Intel's collateral tells."
  ],
  "qe.key": [
    "The key that signed the quote is the one in the enclave's report.",
    "That the key never left the enclave."
  ],
  "qe.debug": [
    "The enclave's memory cannot be read or changed by the debug interface.",
    "That the enclave is free of errors."
  ],
  "quote.signature": [
    "Every field of the quote, its report_data among them, is what the TDX module said of this machine.",
    "Which software ran: that is what the measurements are compared for."
  ],
  "collateral.lists": [
    "There are lists for this family of machines, in their form.",
    "That Intel issued them."
  ],
  "collateral.signatures": [
    "Each list leads to the root that the chip key leads to.",
    "That they are the newest: Intel issues them every month."
  ],
  "collateral.validity": [
    "The time of the check lies within the dates of each list.",
    "That no newer list says otherwise."
  ],
  "tdx.revocation": [
    "Intel's revocation lists name neither the chip key, nor its issuer, nor the signer of the lists.",
    "That Intel knows of every key that was extracted."
  ],
  "qe.identity": [
    "Signer, product, attributes and version of the enclave are those that Intel names.",
    "That the enclave is free of errors."
  ],
  "tcb-status": [
    "Intel has not revoked this level of firmware and TDX module, and says whether it is up to date.",
    "That there are no weaknesses that Intel does not know yet."
  ],
  "event-log": [
    "The digests in the log, in their order, give RTMR 0 to 2 of the quote.",
    "That an event's text belongs to its digest: nothing binds it. RTMR 3 is not judged."
  ],
  "tdx.signed-data": [
    "The bytes in report_data were given to the processor by software in the machine.",
    "What they mean: that is compared with the provenance."
  ],
  "gcp-tdx.evidence": [
    "All fields are known and decode in their canonical form.",
    "Anything about their content."
  ],
  "gcp-tdx.chain.root": [
    "The root of the chain is, byte for byte, one that this program carries.",
    "That the vendor guards the root's private key."
  ],
  "gcp-tdx.chain.intermediate": [
    "The root certified the authority that issues chip keys.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "gcp-tdx.revocation": [
    "Intel's revocation lists name neither the chip key, nor its issuer, nor the signer of the lists.",
    "That Intel knows of every key that was extracted."
  ],
  "gcp-tdx.signed-data": [
    "The bytes in report_data were given to the processor by software in the machine.",
    "What they mean: that is compared with the provenance."
  ],
  "az-tdx.evidence": [
    "All fields decode in their canonical form and have their sizes.",
    "Anything about their content."
  ],
  "az-tdx.chain.root": [
    "The root of the chain is, byte for byte, one that this program carries.",
    "That the vendor guards the root's private key."
  ],
  "az-tdx.chain.intermediate": [
    "The root certified the authority that issues chip keys.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "az-tdx.revocation": [
    "Intel's revocation lists name neither the chip key, nor its issuer, nor the signer of the lists.",
    "That Intel knows of every key that was extracted."
  ],
  "tdreport.form": [
    "Its fixed fields have their values and its digests are of its parts.",
    "That the processor made it: its MAC can be checked on the machine only."
  ],
  "tdreport.match": [
    "What the processor's report in the paravisor's report says is what the quote says.",
    "Its CPUSVN and MAC, which nothing outside the machine can check."
  ],
  "az-tdx.signed-data": [
    "The bytes in extraData were given to the virtual TPM by software in the machine.",
    "Which software: the administrator of any machine of this kind can have any bytes signed."
  ],
  "dstack.evidence": [
    "All fields are known and decode in their canonical form.",
    "Anything about their content."
  ],
  "dstack.chain.root": [
    "The root of the chain is, byte for byte, one that this program carries.",
    "That the vendor guards the root's private key."
  ],
  "dstack.chain.intermediate": [
    "The root certified the authority that issues chip keys.",
    "That the intermediate was not revoked: that is a check of its own."
  ],
  "dstack.revocation": [
    "Intel's revocation lists name neither the chip key, nor its issuer, nor the signer of the lists.",
    "That Intel knows of every key that was extracted."
  ],
  "dstack.signed-data": [
    "The bytes in report_data were given to the processor by software in the machine.",
    "What they mean: that is compared with the provenance."
  ],
  "platform": [
    "That there is a way to check this evidence.",
    "Anything about it."
  ],
  "documents.evidence": [
    "evidence.json is one JSON object with a platform tag, read strictly.",
    "The platform tag is the attester's claim: it selects the checks and proves nothing."
  ],
  "documents.provenance": [
    "provenance.json is a statement of the shape that Kettle writes, and two readers read the same in it.",
    "Nothing yet about whether what it says is true."
  ],
  "signed-data.layout": [
    "The signed data is the SHA-256 of exactly these bytes of provenance.json.",
    "That what the document says is true: that rests on the software that wrote it."
  ],
  "signed-data.nonce": [
    "The nonce of the request is in the signed data: the evidence is not older than the nonce.",
    "Who asked, and what for."
  ],
  "signed-data.replay": [
    "The same evidence is not stored with another build of this site.",
    "That it was never shown elsewhere."
  ],
  "image.allow-list": [
    "The machine was started with an image that somebody pinned after deriving its measurement.",
    "That the image is free of faults."
  ],
  "image.isolation": [
    "By its allow-list entry the image keeps the code that is being built apart from the attester.",
    "It is what the entry says, not a measurement."
  ],
  "policy.builder-id": [
    "The provenance names a builder id that the policy allows.",
    "That this builder wrote it: the name is a claim until the image is recognised."
  ],
  "policy.build-type": [
    "The provenance names a build type that the policy allows.",
    "How the build was made: that is what the build type's definition says."
  ],
  "policy.nonce": [
    "The evidence was made for the request whose nonce was given.",
    "Who asked."
  ],
  "policy.repository": [
    "The provenance names the repository that the policy demands.",
    "That the repository's owner made the commit: a fork's commits can be fetched through the same address."
  ],
  "policy.ref": [
    "The provenance names the commit that the policy demands, or the one that the demanded branch or tag pointed to when it was asked for.",
    "That anybody reviewed it."
  ],
  "provenance.types": [
    "The document is an in-toto Statement v1 with SLSA build provenance v1.",
    "That the build meets a level of SLSA."
  ],
  "provenance.builder": [
    "The build type is one of Kettle's and agrees with the tools that the document names.",
    "Which builder it was: its name is a claim until the builder's image is recognised."
  ],
  "provenance.source": [
    "Commit, tree and lockfile are each named by a full digest.",
    "That the commit is in the repository that is named, or that anybody reviewed it."
  ],
  "provenance.times": [
    "The build ended after it began, and not in the future (with five minutes for clocks that differ).",
    "When the build took place: the times are the builder's own claim."
  ],
  "request.repository": [
    "The provenance names the repository that was asked for.",
    "That the repository's owner made the commit: a fork's commits can be fetched through the same address."
  ],
  "request.ref": [
    "The provenance names the commit that was asked for, or that the branch or tag pointed to at the time.",
    "That anybody reviewed it."
  ],
  "request.git-tree": [
    "The git tree that was built is the one of the uploaded files, computed by this site.",
    "That the commit which the archive's own .git names is anywhere else."
  ],
  "request.lockfile": [
    "The lockfile that was used is the one in the uploaded archive.",
    "That the versions in it are good ones."
  ],
  "request.times": [
    "The build began after its nonce was made and ended before its result came (with five minutes for clocks).",
    "The exact time: between the two it is the builder's claim."
  ],
  "inputs.merkle-root": [
    "Source, tools, lockfile and every dependency give exactly the input_merkle_root of the document.",
    "That nothing else went into the build."
  ],
  "inputs.dependencies": [
    "Each dependency's address names the same package and digest as the entry beside it.",
    "That a dependency is harmless, or that its registry served it to others."
  ],
  "artifacts.subjects": [
    "The document names at least one file, none twice, each by a plain name and a SHA-256.",
    "That these are all files that the build made."
  ],
  "artifacts.digests": [
    "Every copy of every named file has exactly the SHA-256 that the provenance states.",
    "What the files do."
  ]
};

/** `[proves, doesNotProve]` of a check, found as its title is. */
export function meaningOf(code) {
  return MEANINGS[code] ?? MEANINGS[code.slice(code.indexOf(".") + 1)] ?? ["", ""];
}
