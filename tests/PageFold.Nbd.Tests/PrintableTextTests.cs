using System.Globalization;
using System.Text;
using PageFold.Shared;

namespace PageFold.Nbd.Tests;

/// <summary>What comes from outside cannot act on a terminal or a log.</summary>
public class PrintableTextTests
{
    [Theory]
    [InlineData("/srv/data", "/srv/data")]
    [InlineData("C:\\data", "C:\\data")]
    [InlineData("naïve 数 😀", "naïve 数 😀")]
    [InlineData("two\nlines\r\t", "two\\nlines\\r\\t")]
    [InlineData("\e[2Jgone\a\u007f\u009b", "\\x1b[2Jgone\\x07\\x7f\\x9b")]
    [InlineData("\ue000 \U000e0041", @"\ue000 \U000e0041")]
    [InlineData("", "")]
    [InlineData("txt.\u202eexe\u2028\u200b", "txt.\\u202eexe\\u2028\\u200b")]
    public void Escapes_what_would_act_on_a_terminal_and_nothing_else(string text, string expected) =>
        Assert.Equal(expected, PrintableText.Of(text));

    [Fact]
    public void Half_a_surrogate_pair_is_no_text() => Assert.Equal("half \\ud83d", PrintableText.Of("half \ud83d"));

    [Fact]
    public void Bytes_that_are_no_text_are_shown_one_by_one() =>
        Assert.Equal("caf\\xe9 é \\xff\\xfe\\n", PrintableText.Of([.. "caf"u8, 0xE9, .. " é "u8, 0xFF, 0xFE, (byte)'\n']));

    [Fact]
    public void No_control_character_survives_whatever_the_text() => Gen.String.Sample(text =>
    {
        string escaped = PrintableText.Of(text);
        return !escaped.Any(char.IsControl) && escaped == PrintableText.Of(escaped)
            && !escaped.EnumerateRunes().Any(rune => Rune.GetUnicodeCategory(rune) is
                UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
    });
}
