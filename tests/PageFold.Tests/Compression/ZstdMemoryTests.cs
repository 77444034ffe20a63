using PageFold.Compression;

namespace PageFold.Tests.Compression;

/// <summary>What Zstandard takes is bounded before it is taken, for every level and size, by a bound that is not far off.</summary>
public class ZstdMemoryTests
{
    public static TheoryData<int> Dictionaries() => [0, 1, 1024, 32 << 10, 300_000];

    [Theory]
    [MemberData(nameof(Dictionaries))]
    public void The_bounds_hold_at_every_level_and_page_size(int length)
    {
        byte[] dictionary = new byte[length];
        Pages.Fill(dictionary.AsSpan(0, (length + 1) / 2), 1);
        for (int level = ZstdCodec.LowestLevel; level <= ZstdCodec.HighestLevel; level++)
        {
            PageCodec codec = PageCodec.Zstd(level, dictionary);
            long most = CodecDescription.MaxSharedBytes("zstd", level, length);
            Assert.True(codec.SharedBytes <= most, $"level {level}: {codec.SharedBytes} shared, at most {most}");
            Assert.True(most <= 2 * codec.SharedBytes, $"level {level}: {codec.SharedBytes} shared, at most {most}");
            foreach (int pageSize in (int[])[4096, 8192, 16384, 32768, 65536])
            {
                using PageCodecContext context = codec.CreateContext(pageSize);
                long maxOfContext = codec.MaxContextBytes(pageSize);
                Assert.True(context.Bytes <= maxOfContext,
                    $"level {level}, pages of {pageSize}: {context.Bytes}, at most {maxOfContext}");
            }
        }
    }

    [Fact]
    public void Other_codecs_have_nothing_to_share() =>
        Assert.All((PageCodec[])[PageCodec.Lz4, PageCodec.Lz4Managed, PageCodec.None], codec => Assert.Equal(0, codec.SharedBytes));
}
