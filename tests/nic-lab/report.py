"""What the lab says: steps, checks, and the count at the end."""


class Report:
    """Counts checks and prints each as it is made."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def step(self, text):
        """A heading for the checks that follow."""
        print(f"\n# {text}", flush=True)

    def say(self, text):
        """A line of progress."""
        print(f"  ..    {text}", flush=True)

    def check(self, holds, text, evidence=None):
        """Counts one check; `evidence` is what was seen, shown when it does not hold."""
        print(f"  {'ok   ' if holds else 'FAIL '} {text}", flush=True)
        if holds:
            self.passed += 1
        else:
            self.failed += 1
            for line in str(evidence or "").splitlines()[:25]:
                print(f"        | {line}", flush=True)
        return bool(holds)

    def skip(self, text):
        """Counts what this machine cannot show."""
        self.skipped += 1
        print(f"  skip  {text}", flush=True)

    def finish(self):
        """Prints the count; returns the exit status of the lab."""
        print(f"\n{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed or not self.passed else 0
