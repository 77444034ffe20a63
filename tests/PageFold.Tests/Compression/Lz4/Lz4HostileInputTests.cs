using PageFold.Compression.Lz4;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Lz4;

/// <summary>
/// No access goes beyond an end, also while another thread changes the bytes: source and destination lie between guards.
/// </summary>
public class Lz4HostileInputTests
{
    private const int MaxLength = 20_000;

    public static TheoryData<string> Paths() => Lz4RoundTripTests.Paths();

    [Theory]
    [MemberData(nameof(Paths))]
    public void Damaged_blocks_are_refused_or_give_some_text(string path)
    {
        Assert.SkipUnless(Guarded.IsPossible, Guarded.Reason);
        using Guarded source = new(2 * MaxLength);
        using Guarded target = new(MaxLength);
        int refused = 0;
        int read = 0;
        Gen.Select(Gen.OneOf(Gen.Int[1, 300], Gen.Int[1, MaxLength]), Texts.Keys, Gen.Int[0, 3], Gen.Bool, Gen.Bool).Sample(
            (length, key, kind, sourceAtStart, targetAtStart) =>
            {
                byte[] dictionary = Lz4RoundTripTests.Dictionary(kind, key);
                ManagedLz4Codec codec = new("lz4", dictionary, Enum.Parse<InstructionPath>(path));
                byte[] block = Lz4RoundTripTests.Encode(codec, Texts.Make(length, key));
                using PageCodecContext context = codec.CreateContext(MaxLength);
                Random random = new(key);
                for (int i = 0; i < 20; i++)
                {
                    Span<byte> damaged = source.Copy(Damage(block, random), sourceAtStart);
                    int claimed = random.Next(3) == 0 ? 1 + random.Next(MaxLength) : length;
                    if (context.TryDecompress(damaged, target.Bytes(claimed, targetAtStart)))
                        read++;
                    else
                        refused++;
                }
            }, iter: 300, threads: 1);
        Assert.True(read > 0 && refused > 0);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Random_bytes_are_refused_or_give_some_text(string path)
    {
        Assert.SkipUnless(Guarded.IsPossible, Guarded.Reason);
        using Guarded source = new(MaxLength);
        using Guarded target = new(MaxLength);
        Gen.Select(Gen.Int[0, 3000], Gen.OneOf(Gen.Int[1, 100], Gen.Int[1, MaxLength]), Texts.Keys, Gen.Int[0, 3]).Sample(
            (blockLength, length, key, kind) =>
            {
                byte[] dictionary = Lz4RoundTripTests.Dictionary(kind, key);
                using PageCodecContext context =
                    new ManagedLz4Codec("lz4", dictionary, Enum.Parse<InstructionPath>(path)).CreateContext(length);
                Random random = new(key);
                byte[] bytes = new byte[blockLength];
                // Tokens of long lengths, near distances and bytes of 255 are more frequent than in noise.
                byte[] frequent = [0xFF, 0xF0, 0x0F, 0x00, 0x01, 0x10, 0x11, (byte)key];
                for (int i = 0; i < 10; i++)
                {
                    for (int j = 0; j < bytes.Length; j++)
                        bytes[j] = random.Next(i) == 0 ? (byte)random.Next(256) : frequent[random.Next(frequent.Length)];
                    context.TryDecompress(source.Copy(bytes, (key & 1) != 0), target.Bytes(length, (key & 2) != 0));
                }
            }, iter: 500, threads: 1);
    }

    [Fact]
    public void A_block_with_another_dictionary_is_refused_or_gives_some_text()
    {
        Assert.SkipUnless(Guarded.IsPossible, Guarded.Reason);
        using Guarded target = new(MaxLength);
        int refused = 0;
        Gen.Select(Gen.Int[1, MaxLength], Texts.Keys, Gen.Int[1, 3], Gen.Int[0, 3]).Sample((length, key, kind, other) =>
        {
            byte[] block = Lz4RoundTripTests.Encode(
                new ManagedLz4Codec("lz4", Lz4RoundTripTests.Dictionary(kind, key), InstructionPaths.Best), Texts.Make(length, key));
            using PageCodecContext context =
                new ManagedLz4Codec("lz4", Lz4RoundTripTests.Dictionary(other, key + 1), InstructionPaths.Best).CreateContext(length);
            if (!context.TryDecompress(block, target.Bytes(length, (key & 1) != 0)))
                refused++;
        }, iter: 500, threads: 1);
        Assert.True(refused > 0);
    }

    [Fact]
    public void A_length_that_goes_on_for_ever_is_refused()
    {
        using PageCodecContext context = new ManagedLz4Codec("lz4").CreateContext(4096);
        byte[] text = new byte[4096];
        byte[] block = new byte[1 << 20];
        block.AsSpan().Fill(0xFF);
        Assert.False(context.TryDecompress(block, text));
        // One literal, and a match without end at distance 1.
        block[0] = 0x1F;
        block[2] = 1;
        block[3] = 0;
        Assert.False(context.TryDecompress(block, text));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_000)]
    public void A_text_that_changes_while_it_is_encoded_gives_a_block_of_some_text(int dictionaryLength)
    {
        Assert.SkipUnless(Guarded.IsPossible, Guarded.Reason);
        const int Length = 4096;
        ManagedLz4Codec codec = new("lz4", Texts.Make(dictionaryLength, 6), InstructionPaths.Best);
        using Guarded source = new(Length);
        using Guarded target = new(codec.MaxCompressedLength(Length));
        using PageCodecContext context = codec.CreateContext(Length);
        byte[] back = new byte[Length];
        Texts.Make(Length, 6).CopyTo(source.Bytes(Length, false));
        WhileScribbling(source, Length, random =>
        {
            int room = random.Next(2) == 0 ? codec.MaxCompressedLength(Length) : random.Next(Length);
            Span<byte> block = target.Bytes(room, false);
            if (context.TryCompress(source.Bytes(Length, false), block, out int written))
                Assert.True(context.TryDecompress(block[..written], back));
        });
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10_000)]
    public void A_block_that_changes_while_it_is_decoded_is_refused_or_gives_some_text(int dictionaryLength)
    {
        Assert.SkipUnless(Guarded.IsPossible, Guarded.Reason);
        const int Length = 4096;
        ManagedLz4Codec codec = new("lz4", Texts.Make(dictionaryLength, 6), InstructionPaths.Best);
        byte[] block = Lz4RoundTripTests.Encode(codec, Texts.Make(Length, 14));
        using Guarded source = new(block.Length);
        using Guarded target = new(Length);
        using PageCodecContext context = codec.CreateContext(Length);
        WhileScribbling(source, block.Length, _ =>
        {
            source.Copy(block, false);
            context.TryDecompress(source.Bytes(block.Length, false), target.Bytes(Length, false));
        });
    }

    private static void WhileScribbling(Guarded memory, int length, Action<Random> action)
    {
        using CancellationTokenSource end = new();
        Task scribbling = Pages.OnItsOwnThread(() =>
        {
            Random random = new(1);
            while (!end.IsCancellationRequested)
            {
                Span<byte> bytes = memory.Bytes(length, false);
                for (int i = 0; i < 64; i++)
                    bytes[random.Next(length)] = (byte)random.Next(256);
                // Something to find, too.
                int from = random.Next(length / 2);
                int count = random.Next(length / 4);
                bytes.Slice(from, count).CopyTo(bytes[(length - count)..]);
            }
        });
        Random choices = new(2);
        for (int i = 0; i < 20_000; i++)
            action(choices);
        end.Cancel();
        scribbling.Wait();
    }

    private static byte[] Damage(byte[] block, Random random)
    {
        List<byte> bytes = [.. block];
        for (int i = random.Next(4); i >= 0; i--)
        {
            int place = random.Next(bytes.Count);
            switch (random.Next(5))
            {
                case 0:
                    bytes[place] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes[place] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    bytes[place] = 0xFF;
                    break;
                case 3:
                    bytes.RemoveRange(place, Math.Min(bytes.Count - place, 1 + random.Next(20)));
                    break;
                default:
                    bytes.InsertRange(place, bytes[..Math.Min(bytes.Count, 1 + random.Next(20))]);
                    break;
            }
            if (bytes.Count == 0)
                break;
        }
        return [.. bytes];
    }
}
