using System.Buffers;
using System.Globalization;
using System.Text;

namespace PageFold.Shared;

/// <summary>
/// Text from outside (names of files, processes and disks, arguments, messages of others) as a terminal or a log may show it: what would
/// move the cursor, change colours, begin a line or reorder text is written as an escape such as <c>\n</c>, <c>\x1b</c> or <c>\u202e</c>.
/// </summary>
/// <remarks>A backslash stays as it is, since paths of Windows are full of them. The result is for people; it is no name to open a file
/// by.</remarks>
internal static class PrintableText
{
    /// <summary>
    /// Escapes control and format characters, line and paragraph separators, characters without a meaning of their own, and halves of
    /// surrogate pairs. Text without any is returned as it is.
    /// </summary>
    public static string Of(string text)
    {
        // Almost every text is harmless and returned as it is.
        bool harmless = true;
        for (int i = 0; i < text.Length && harmless; i++)
            harmless = text[i] is >= ' ' and <= '~';
        if (harmless)
            return text;
        StringBuilder escaped = new();
        for (int i = 0; i < text.Length;)
        {
            if (Rune.DecodeFromUtf16(text.AsSpan(i), out Rune rune, out int length) == OperationStatus.Done)
                Append(escaped, rune);
            else
                escaped.Append(CultureInfo.InvariantCulture, $"\\u{(int)text[i]:x4}");
            i += length;
        }
        return escaped.ToString();
    }

    /// <summary>Escapes a name as the system has it: UTF-8, or else bytes that are each written as <c>\xff</c>.</summary>
    public static string Of(ReadOnlySpan<byte> name)
    {
        StringBuilder escaped = new();
        while (name.Length > 0)
        {
            if (Rune.DecodeFromUtf8(name, out Rune rune, out int length) == OperationStatus.Done)
            {
                Append(escaped, rune);
            }
            else
            {
                foreach (byte octet in name[..length])
                    escaped.Append(CultureInfo.InvariantCulture, $"\\x{octet:x2}");
            }
            name = name[length..];
        }
        return escaped.ToString();
    }

    private static void Append(StringBuilder escaped, Rune rune)
    {
        switch (Rune.GetUnicodeCategory(rune))
        {
            case UnicodeCategory.Control when rune.Value == '\n':
                escaped.Append("\\n");
                break;
            case UnicodeCategory.Control when rune.Value == '\r':
                escaped.Append("\\r");
                break;
            case UnicodeCategory.Control when rune.Value == '\t':
                escaped.Append("\\t");
                break;
            case UnicodeCategory.Control:
                escaped.Append(CultureInfo.InvariantCulture, $"\\x{rune.Value:x2}");
                break;
            case UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
                or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned:
                if (rune.IsBmp)
                    escaped.Append(CultureInfo.InvariantCulture, $"\\u{rune.Value:x4}");
                else
                    escaped.Append(CultureInfo.InvariantCulture, $"\\U{rune.Value:x8}");
                break;
            default:
                escaped.Append(rune.ToString());
                break;
        }
    }
}
