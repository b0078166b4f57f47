include("../common/manifest.py")

module("board.py", base_path="modules", opt=1)
module("identity.py", base_path="modules", opt=1)
