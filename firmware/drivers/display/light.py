# Backlight of a display.


def shine(light, level):
    """Set `light` to `level`, 0 (dark) to 100: a machine.PWM by its duty, a machine.Pin on from 1
    on; None: there is none. ValueError for another level."""
    if not 0 <= level <= 100:
        raise ValueError("a level is 0 to 100")
    if light is None:
        return
    if hasattr(light, "duty_u16"):
        light.duty_u16(level * 65535 // 100)
    else:
        light(1 if level else 0)
