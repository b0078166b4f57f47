"""Bar charts as PNG."""

from PIL import Image, ImageDraw, ImageFont

_WIDTH, _ROW, _LABEL, _MARGIN = 900, 34, 260, 24
_COLOURS = ((46, 125, 90), (120, 144, 176), (168, 152, 130))


def bars(groups):
    """Pillow image of horizontal bars. `groups`: [(title, [(label, value)])]; the bars of a group
    share a scale, and the same label has the same colour in all."""
    font, bold = ImageFont.load_default(15), ImageFont.load_default(18)
    height = 2 * _MARGIN + sum(_ROW * (len(rows) + 1) + _MARGIN for _, rows in groups)
    image = Image.new("RGB", (_WIDTH, height - _MARGIN), "white")
    draw = ImageDraw.Draw(image)
    y = _MARGIN
    for title, rows in groups:
        draw.text((_MARGIN, y), title, fill="black", font=bold)
        y += _ROW
        most = max(value for _, value in rows) or 1
        for n, (label, value) in enumerate(rows):
            draw.text((_MARGIN, y + 6), label, fill="black", font=font)
            x = _MARGIN + _LABEL
            length = round((_WIDTH - x - 110) * value / most)
            draw.rectangle((x, y + 4, x + max(length, 1), y + _ROW - 6), _COLOURS[n % 3])
            text = f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
            draw.text((x + length + 10, y + 6), text, fill="black", font=font)
            y += _ROW
        y += _MARGIN
    return image
