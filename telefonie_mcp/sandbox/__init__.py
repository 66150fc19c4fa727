from telefonie_mcp.sandbox.app import create_sandbox
from telefonie_mcp.sandbox.store import SandboxError, reset

__all__ = ["SandboxError", "create_sandbox", "reset"]
