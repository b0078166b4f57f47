# Amount entry as it is often written: digits are yuan in a float, Clear starts at the wrong end,
# nothing is bounded.

from app.ui.screens import CANCEL, Screen


class NaiveAmount(Screen):
    def __init__(self, title, amount_max):
        self.digits = ""

    def render(self, c):
        c.clear()
        c.right(2, "%.2f" % float(self.digits or "0"))

    def key(self, name):
        if name == "CANCEL":
            return CANCEL
        if name == "ENTER":
            return int(float(self.digits or "0") * 100)
        if name == "CLEAR":
            self.digits = self.digits[1:]
        elif name.isdigit():
            self.digits += name
        return None
