"""Types and laws every other room hangs on; pydantic and the standard library only.

Read in this order: key, state, document, resource, change, plan, decision, run, secret, kind, ports, errors.
"""
