"""The checks of `idnode doctor`: each looks, changes nothing, and answers with findings and advice."""
