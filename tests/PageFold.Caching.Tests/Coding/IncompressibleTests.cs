using System.IO.Compression;
using PageFold.Caching.Coding;

namespace PageFold.Caching.Tests.Coding;

/// <summary>Values that say that they are compressed are recognised, and no others.</summary>
public class IncompressibleTests
{
    [Theory]
    [InlineData("28B52FFD")]
    [InlineData("04224D18")]
    [InlineData("89504E470D0A1A0A")]
    [InlineData("FFD8FFE000104A464946")]
    [InlineData("504B0304")]
    [InlineData("FD377A585A00")]
    [InlineData("377ABCAF271C")]
    [InlineData("526172211A07")]
    [InlineData("425A6839314159265359")]
    [InlineData("474946383961")]
    [InlineData("4F676753")]
    [InlineData("664C6143")]
    [InlineData("1A45DFA3")]
    [InlineData("774F4632")]
    [InlineData("524946460000000057454250")]
    [InlineData("0000001866747970")]
    [InlineData("FF060000734E61507059")]
    public void A_format_is_recognised_by_its_first_bytes(string mark)
    {
        byte[] bytes = Convert.FromHexString(mark);
        Assert.True(Incompressible.Is([.. bytes, .. new byte[100]]));
        for (int i = 0; i < bytes.Length; i++)
        {
            // The size in the middle of RIFF and ftyp may be any.
            bool isSize = mark.StartsWith("52494646", StringComparison.Ordinal) ? i is > 3 and < 8
                : mark.EndsWith("66747970", StringComparison.Ordinal) && i < 4;
            // The level of bzip2, the version of GIF, and what follows the marks of three and four bytes.
            bool isFree = mark.StartsWith("425A", StringComparison.Ordinal) && i == 3 || i >= 4 && bytes.Length is 6 or 8 && !isSize
                && !mark.EndsWith("66747970", StringComparison.Ordinal) || mark.StartsWith("FFD8", StringComparison.Ordinal) && i > 2;
            byte[] changed = [.. bytes, .. new byte[100]];
            changed[i] ^= 0x40;
            Assert.Equal(isSize || isFree, Incompressible.Is(changed));
        }
    }

    [Fact]
    public void What_compressors_write_is_recognised()
    {
        byte[] text = [.. Enumerable.Range(0, 10).SelectMany(Values.Order)];
        foreach (CompressionLevel level in (CompressionLevel[])[CompressionLevel.Optimal, CompressionLevel.SmallestSize])
        {
            Assert.True(Incompressible.Is(Compress(stream => new GZipStream(stream, level))));
            Assert.True(Incompressible.Is(Compress(stream => new ZLibStream(stream, level))));
        }

        byte[] Compress(Func<Stream, Stream> begin)
        {
            using MemoryStream packed = new();
            using (Stream stream = begin(packed))
                stream.Write(text);
            return packed.ToArray();
        }
    }

    [Fact]
    public void Other_values_are_not()
    {
        Gen.Int.Sample(seed => !Incompressible.Is(Values.Order(seed)) && !Incompressible.Is(Values.Page(seed)), iter: 200);
        string[] texts = ["%PDF-1.7 .............", "BZh is not a mark alone", "RIFF????WAVE and more", "x^2 + y^2 = z^2 and so"];
        Assert.All(texts, text => Assert.False(Incompressible.Is(System.Text.Encoding.UTF8.GetBytes(text))));
        for (int length = 0; length < Incompressible.MinLength; length++)
            Assert.False(Incompressible.Is(new byte[length]));
    }
}
