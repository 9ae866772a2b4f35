using System.Runtime.CompilerServices;
using System.Text;

namespace ConvNative.Kernels.Generator;

/// <summary>Raw strings with blocks in them: every line of a block gets the indentation of its place, and an empty block leaves no line.</summary>
[InterpolatedStringHandler]
internal readonly struct Template
{
    private readonly StringBuilder _text;

    public Template(int literalLength, int formattedCount) => _text = new StringBuilder(literalLength + (formattedCount * 64));

    public void AppendLiteral(string text)
    {
        // A block that was empty took its line's indentation away.
        bool blank = _text.Length > 0 && _text[^1] == '\n' && text.StartsWith('\n');
        _text.Append(blank && text.Length > 0 ? text[1..] : text);
    }

    public void AppendFormatted(int number) => _text.Append(number);

    public void AppendFormatted(string block)
    {
        int start = _text.Length;
        while (start > 0 && _text[start - 1] == ' ') start--;
        bool alone = start == 0 || _text[start - 1] == '\n';
        if (alone && block.Length == 0) _text.Length = start;
        else _text.Append(alone ? block.Replace("\n", "\n" + new string(' ', _text.Length - start)).Replace("\n" + new string(' ', _text.Length - start) + "\n", "\n\n") : block);
    }

    public override string ToString() => _text.ToString();
}
