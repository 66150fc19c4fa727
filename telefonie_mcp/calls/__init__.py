"""One call: rate limit, policy, assessment, approval, the write and its recovery, the live lookup."""
