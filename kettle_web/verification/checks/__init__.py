"""Our own checks, as steps over an `Inquiry`; each module holds those of one question."""
