"""Every setting, typed, with its default and unit, from GENESIS_* variables or a TOML file.

fields.py says what there is, checks.py what does not go together, sources.py finds the raw values and where each is from,
loading.py makes `Settings` of them or tells every mistake at once, printing.py shows them.
"""

from genesis_server.settings.loading import Mistake, Settings, SettingsError
from genesis_server.settings.printing import settings_as_toml

__all__ = ["Mistake", "Settings", "SettingsError", "settings_as_toml"]
