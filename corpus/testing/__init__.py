"""What plug-ins are tested with: contracts that any engine has to pass, small bodies to pass them on, fault injection."""
