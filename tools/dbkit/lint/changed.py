"""Which files a branch changed, so that only they are judged: `--changed-since`."""

from __future__ import annotations

from pathlib import Path

from dbkit.errors import DbkitError

__all__ = ["changed_files"]


def changed_files(root: Path, revision: str) -> set[Path]:
    """Absolute paths of files that differ from where the branch left the revision, and of files git does not know yet.

    Args:
        root: a folder inside the working tree.
        revision: a branch, tag or commit.

    Raises:
        DbkitError: git is missing, the folder is no working tree, or the revision does not exist.
    """
    top = Path(_git(root, "rev-parse", "--show-toplevel").strip())
    # The common ancestor: what others have merged since is not this branch's change.
    base = _git(root, "merge-base", revision, "HEAD", hint=f"Fetch {revision}, or name another revision.").strip()
    listed = _git(root, "diff", "--name-only", "--no-renames", "-z", base) + _git(
        top, "ls-files", "--others", "--exclude-standard", "-z"
    )
    return {top / name for name in listed.split("\0") if name}


def _git(folder: Path, *arguments: str, hint: str | None = None) -> str:
    import subprocess

    try:
        run = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False, errors="replace"
        )
    except FileNotFoundError:
        raise DbkitError("git is not installed", hint="Install git, or leave --changed-since out.") from None
    if run.returncode != 0:
        raise DbkitError(
            f"git {arguments[0]} failed",
            detail=" ".join(run.stderr.split()) or f"It ended with {run.returncode}.",
            hint=hint or "Run the command inside a git working tree.",
        )
    return run.stdout
