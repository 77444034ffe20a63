using K4os.Compression.LZ4;
using PageFold.Compression.Lz4;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Lz4;

/// <summary>Other libraries read what is encoded here, and what they write is decoded here.</summary>
public class Lz4InteroperabilityTests
{
    private static readonly Gen<(int Length, int Key)> Samples =
        Gen.Select(Gen.OneOf(Gen.Int[1, 100], Gen.Int[1, 4096], Gen.Int[1, ManagedLz4Codec.MaxPageSize]), Texts.Keys);

    [Fact]
    public void K4os_reads_what_is_written() => Samples.Sample((length, key) =>
    {
        byte[] text = Texts.Make(length, key);
        AssertSame(text, References.Decode(Lz4RoundTripTests.Encode(new ManagedLz4Codec("lz4"), text), length, []));
    }, iter: 1500);

    [Theory]
    [InlineData(LZ4Level.L00_FAST)]
    [InlineData(LZ4Level.L03_HC)]
    [InlineData(LZ4Level.L12_MAX)]
    public void What_K4os_writes_is_read(LZ4Level level) => Samples.Sample((length, key) =>
    {
        byte[] text = Texts.Make(length, key);
        AssertSame(text, Decode(References.Encode(text, level), length, []));
    }, iter: level == LZ4Level.L00_FAST ? 1500 : 150);

    [Fact]
    public void K4os_reads_what_is_written_with_a_dictionary() => Gen.Select(Samples, Gen.Int[1, 3]).Sample((sample, kind) =>
    {
        byte[] text = Texts.Make(sample.Length, sample.Key);
        byte[] dictionary = Lz4RoundTripTests.Dictionary(kind, sample.Key);
        byte[] block = Lz4RoundTripTests.Encode(new ManagedLz4Codec("lz4", dictionary, InstructionPaths.Best), text);
        AssertSame(text, References.Decode(block, sample.Length, dictionary));
    }, iter: 600);

    [Fact]
    public void The_systems_library_reads_what_is_written()
    {
        Assert.SkipUnless(References.HasLibrary, References.Reason);
        Gen.Select(Samples, Gen.Int[0, 3]).Sample((sample, kind) =>
        {
            byte[] text = Texts.Make(sample.Length, sample.Key);
            byte[] dictionary = Lz4RoundTripTests.Dictionary(kind, sample.Key);
            byte[] block = Lz4RoundTripTests.Encode(new ManagedLz4Codec("lz4", dictionary, InstructionPaths.Best), text);
            AssertSame(text, References.DecodeByLibrary(block, sample.Length, dictionary));
        }, iter: 1500);
    }

    [Fact]
    public void What_the_systems_library_writes_is_read()
    {
        Assert.SkipUnless(References.HasLibrary, References.Reason);
        Gen.Select(Samples, Gen.Int[0, 3]).Sample((sample, kind) =>
        {
            byte[] text = Texts.Make(sample.Length, sample.Key);
            byte[] dictionary = Lz4RoundTripTests.Dictionary(kind, sample.Key);
            AssertSame(text, Decode(References.EncodeByLibrary(text, dictionary), sample.Length, dictionary));
        }, iter: 1500);
    }

    /// <summary>The rules of the format's end, which other decoders rely on.</summary>
    [Fact]
    public void The_last_match_begins_twelve_bytes_before_the_end_and_five_literals_follow() =>
        Samples.Sample((length, key) => AssertEndsByTheRules(Texts.Make(length, key)), iter: 1000);

    /// <summary>
    /// A match of the greatest length ends in the last bytes, and cuts off what the second half of the text has found there.
    /// </summary>
    [Fact]
    public void The_end_is_right_behind_a_match_of_the_greatest_length_too()
    {
        for (int length = SequenceParser.MaxMatch - 20; length < SequenceParser.MaxMatch + 60; length++)
        {
            byte[] text = new byte[length];
            AssertEndsByTheRules(text);
            byte[] block = Lz4RoundTripTests.Encode(new ManagedLz4Codec("lz4"), text);
            AssertSame(text, References.Decode(block, length, []));
            if (References.HasLibrary)
                AssertSame(text, References.DecodeByLibrary(block, length, []));
        }
    }

    private static void AssertEndsByTheRules(byte[] text)
    {
        int length = text.Length;
        ReadOnlySpan<byte> rest = Lz4RoundTripTests.Encode(new ManagedLz4Codec("lz4"), text);
        int position = 0;
        while (true)
        {
            byte token = rest[0];
            rest = rest[1..];
            int run = Length(token >> 4, ref rest);
            position += run;
            rest = rest[run..];
            if (rest.IsEmpty)
            {
                Assert.True(position == length && (run >= 5 || run == length));
                return;
            }
            int distance = rest[0] | rest[1] << 8;
            rest = rest[2..];
            Assert.InRange(distance, 1, position);
            Assert.InRange(position, 1, length - 12);
            position += 4 + Length(token & 15, ref rest);
        }
    }

    private static int Length(int half, ref ReadOnlySpan<byte> rest)
    {
        int length = half;
        if (half < 15)
            return length;
        byte added;
        do
        {
            added = rest[0];
            rest = rest[1..];
            length += added;
        }
        while (added == 255);
        return length;
    }

    private static byte[]? Decode(byte[] block, int length, byte[] dictionary)
    {
        using PageCodecContext context = new ManagedLz4Codec("lz4", dictionary, InstructionPaths.Best).CreateContext(length);
        byte[] text = new byte[length];
        return context.TryDecompress(block, text) ? text : null;
    }

    private static void AssertSame(byte[] expected, byte[]? actual)
    {
        Assert.NotNull(actual);
        Content.AssertSame(expected, actual, $"{expected.Length} bytes");
    }
}
