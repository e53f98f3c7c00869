"""Claims and figures reproduced at small scale, each where the truth is known. Nothing below imports this room."""
