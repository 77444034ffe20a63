using System.Globalization;
using System.Text;

namespace PageFold.Cli;

/// <summary>Replaces characters outside ASCII.</summary>
/// <remarks>
/// A character of a line or a bar becomes a similar character, one for one, so that columns stay aligned. All others become an escape such
/// as <c>\u00e9</c>.
/// </remarks>
internal sealed class AsciiFallback : EncoderFallback
{
    // Box drawing of tables, bars, and characters of remarks.
    private const string Drawn = "─━│┃┌┐└┘├┤┬┴┼╭╮╰╯╡╞╪"
        + "═║╔╗╚╝╠╣╦╩╬█▒▓░▚·…µ×±–“”‘’";
    private const string Plain = "--||++++++++++++++++=|+++++++++#%@.*:~ux~-\"\"''";

    public static Encoding Encoding { get; } = Encoding.GetEncoding("us-ascii", new AsciiFallback(), DecoderFallback.ReplacementFallback);

    // An escape of eight digits.
    public override int MaxCharCount => 10;

    public override EncoderFallbackBuffer CreateFallbackBuffer() => new Buffer();

    private static string Of(char character) =>
        Drawn.IndexOf(character, StringComparison.Ordinal) is >= 0 and int place ? Plain[place].ToString()
            : string.Create(CultureInfo.InvariantCulture, $"\\u{(int)character:x4}");

    private sealed class Buffer : EncoderFallbackBuffer
    {
        private string _text = string.Empty;
        private int _next;

        public override int Remaining => _text.Length - _next;

        public override bool Fallback(char charUnknown, int index) => Begin(Of(charUnknown));

        public override bool Fallback(char charUnknownHigh, char charUnknownLow, int index) =>
            Begin(string.Create(CultureInfo.InvariantCulture, $"\\U{char.ConvertToUtf32(charUnknownHigh, charUnknownLow):x8}"));

        public override char GetNextChar() => Remaining > 0 ? _text[_next++] : '\0';

        public override bool MovePrevious()
        {
            bool moved = _next > 0;
            if (moved)
                _next--;
            return moved;
        }

        public override void Reset() => Begin(string.Empty);

        private bool Begin(string text)
        {
            _text = text;
            _next = 0;
            return true;
        }
    }
}
