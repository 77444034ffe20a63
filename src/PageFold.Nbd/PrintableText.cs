using System.Globalization;
using System.Text;

namespace PageFold.Nbd;

/// <summary>Text of foreign origin (names, paths, messages of libraries) in a form that is safe in a log and on a terminal.</summary>
internal static class PrintableText
{
    /// <summary>
    /// Replaces what a terminal or a log would obey instead of show: control characters, line separators, characters that change the
    /// direction of text or are invisible, and halves of surrogate pairs. Each becomes
    /// <c>\u</c> and four hexadecimal digits, or eight behind <c>\U</c>. Text without any is returned as it is.
    /// </summary>
    public static string Of(string text)
    {
        int first = 0;
        while (first < text.Length && text[first] is >= ' ' and <= '~')
            first++;
        if (first == text.Length)
            return text;
        StringBuilder shown = new(text, 0, first, text.Length + 16);
        for (int i = first; i < text.Length;)
        {
            if (Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                if (IsShown(rune))
                    shown.Append(text, i, rune.Utf16SequenceLength);
                else
                    Escape(shown, rune.Value);
                i += rune.Utf16SequenceLength;
            }
            else
            {
                Escape(shown, text[i++]);
            }
        }
        return shown.ToString();
    }

    private static bool IsShown(Rune rune) => Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);

    private static void Escape(StringBuilder shown, int value) =>
        shown.Append(value > char.MaxValue ? "\\U" : "\\u")
            .Append(value.ToString(value > char.MaxValue ? "x8" : "x4", CultureInfo.InvariantCulture));
}
