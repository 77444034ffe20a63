using System.Globalization;
using System.Text;

namespace PageFold.Cli.Tests;

/// <summary>What comes from outside cannot act on a terminal or a log.</summary>
public class TerminalTextTests
{
    [Theory]
    [InlineData("/srv/data", "/srv/data")]
    [InlineData("C:\\data", "C:\\data")]
    [InlineData("naïve 数 😀", "naïve 数 😀")]
    [InlineData("two\nlines\r\t", "two\\nlines\\r\\t")]
    [InlineData("\e[2Jgone\a\u007f\u009b", "\\x1b[2Jgone\\x07\\x7f\\x9b")]
    [InlineData("txt.\u202eexe\u2028\u200b", "txt.\\u202eexe\\u2028\\u200b")]
    public void Escapes_what_would_act_on_a_terminal_and_nothing_else(string text, string expected) => Assert.Equal(expected, TerminalText.Escape(text));

    [Fact]
    public void Half_a_surrogate_pair_is_no_text() => Assert.Equal("half \\ud83d", TerminalText.Escape("half \ud83d"));

    [Fact]
    public void Bytes_that_are_no_text_are_shown_one_by_one() =>
        Assert.Equal("caf\\xe9 é \\xff\\xfe\\n", TerminalText.Escape([.. "caf"u8, 0xE9, .. " é "u8, 0xFF, 0xFE, (byte)'\n']));

    [Fact]
    public void No_control_character_survives_whatever_the_text() => Gen.String.Sample(text =>
    {
        string escaped = TerminalText.Escape(text);
        return !escaped.Any(char.IsControl) && escaped == TerminalText.Escape(escaped)
            && !escaped.EnumerateRunes().Any(rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
    });
}
