using System.Globalization;
using ConvNative.Problems;

namespace ConvNative.Cli.Files;

/// <summary>The Python dictionary at the head of a <c>.npy</c> file: exactly <c>descr</c>, <c>fortran_order</c>, <c>shape</c>, in any order.</summary>
internal sealed record NpyHeader(string Descr, bool FortranOrder, Dims Shape)
{
    public static NpyHeader Parse(string text)
    {
        var r = new Reader(text);
        string? descr = null;
        bool? fortran = null;
        Dims? shape = null;
        r.Expect('{');
        while (!r.TryTake('}'))
        {
            string key = r.Quoted();
            r.Expect(':');
            switch (key)
            {
                case "descr" when descr is null: descr = r.Quoted(); break;
                case "fortran_order" when fortran is null: fortran = r.Boolean(); break;
                case "shape" when shape is null: shape = r.Tuple(); break;
                default: throw new NpyException($"header key = {key}: must be descr, fortran_order and shape, once each");
            }

            if (!r.TryTake(','))
            {
                r.Expect('}');
                break;
            }
        }

        r.End();
        return new NpyHeader(
            descr ?? throw new NpyException("header: descr is missing"),
            fortran ?? throw new NpyException("header: fortran_order is missing"),
            shape ?? throw new NpyException("header: shape is missing"));
    }

    private sealed class Reader(string text)
    {
        private int _at;

        public bool TryTake(char c)
        {
            Skip();
            if (_at >= text.Length || text[_at] != c) return false;
            _at++;
            return true;
        }

        public void Expect(char c)
        {
            if (!TryTake(c)) throw Bad($"'{c}'");
        }

        public void End()
        {
            Skip();
            if (_at < text.Length) throw Bad("the end");
        }

        public string Quoted()
        {
            Skip();
            if (_at >= text.Length || text[_at] is not ('\'' or '"')) throw Bad("a quoted string (structured types are not read)");
            int end = text.IndexOf(text[_at], _at + 1);
            if (end < 0) throw Bad("a closing quote");
            string value = text[(_at + 1)..end];
            _at = end + 1;
            return value;
        }

        public bool Boolean()
        {
            Skip();
            foreach (bool value in (ReadOnlySpan<bool>)[true, false])
            {
                string word = value ? "True" : "False";
                if (string.CompareOrdinal(text, _at, word, 0, word.Length) != 0) continue;
                _at += word.Length;
                return value;
            }

            throw Bad("True or False");
        }

        public Dims Tuple()
        {
            var sizes = new List<long>();
            Expect('(');
            while (!TryTake(')'))
            {
                Skip();
                int start = _at;
                while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
                if (!long.TryParse(text.AsSpan(start, _at - start), NumberStyles.None, CultureInfo.InvariantCulture, out long size)) throw Bad("a size");
                sizes.Add(size);

                // Python 2 wrote long integers.
                if (_at < text.Length && text[_at] == 'L') _at++;
                if (TryTake(',')) continue;
                Expect(')');
                break;
            }

            return Dims.Create([.. sizes]);
        }

        private void Skip()
        {
            while (_at < text.Length && char.IsWhiteSpace(text[_at])) _at++;
        }

        private NpyException Bad(string expected) => new($"header column {_at + 1}: expected {expected}");
    }
}
