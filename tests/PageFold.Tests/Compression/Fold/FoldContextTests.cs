using PageFold.Compression.Fold;
using PageFold.Compression.Paths;

namespace PageFold.Tests.Compression.Fold;

/// <summary>What a context holds, where its results go, and what it is when it is disposed of.</summary>
public class FoldContextTests
{
    private static readonly int[] PageSizes = [1, 2, 63, 64, 1000, 1024, 4095, 4096, 4097, 16384, 65535, 65536];

    public static TheoryData<FoldLevel> Levels() => [.. FoldSubjects.Levels];

    /// <summary>The span ends at a guard page, so a byte written behind it ends the process.</summary>
    [Theory]
    [MemberData(nameof(Levels))]
    public void A_destination_of_any_size_gets_the_result_or_nothing(FoldLevel level)
    {
        GuardedMemory.SkipUnlessPossible();
        foreach (int size in (int[])[1, 50, 300, 1100, 4096])
        {
            FoldCodec codec = FoldSubjects.Codec(level, FoldSubjects.BuiltIn, InstructionPaths.Best);
            using GuardedContext guarded = new(codec, size, atEnd: true);
            Assert.True(guarded.Parts > 5);
            int most = codec.MaxCompressedLength(size);
            using GuardedMemory memory = new(most);
            byte[] text = new byte[size];
            byte[] back = new byte[size];
            for (int kind = 0; kind < Contents.Kinds.Length; kind++)
            {
                Contents.Fill(text, kind, (ulong)size, default);
                Assert.True(guarded.Context.TryCompress(text, memory.AtEnd(most), out int length));
                byte[] result = memory.AtEnd(most)[..length].ToArray();
                for (int room = 0; room <= length; room++)
                {
                    bool fits = guarded.Context.TryCompress(text, memory.AtEnd(room), out int written);
                    Assert.Equal(fits ? written : 0, written);
                    Assert.InRange(written, 0, room);
                    // With less room a result may be another one, as long as it is read.
                    Assert.True(fits || room < length);
                    if (fits)
                    {
                        Assert.True(guarded.Context.TryDecompress(memory.AtEnd(room)[..written], back));
                        Assert.True(text.AsSpan().SequenceEqual(back));
                    }
                }
                Assert.True(guarded.Context.TryCompress(text, memory.AtEnd(length), out int exact));
                Assert.Equal(result, memory.AtEnd(length)[..exact].ToArray());
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Pages_and_results_lie_right_between_guard_pages(FoldLevel level)
    {
        GuardedMemory.SkipUnlessPossible();
        foreach (string tables in FoldSubjects.TableNames)
        {
            foreach (InstructionPath path in FoldSubjects.Paths)
            {
                FoldCodec codec = FoldSubjects.Codec(level, tables, path);
                foreach ((int most, bool atEnd) in ((int, bool)[])[(4096, true), (4096, false), (65536, true), (65536, false)])
                {
                    using GuardedContext guarded = new(codec, most, atEnd);
                    using GuardedMemory page = new(65536);
                    using GuardedMemory packed = new(65536 + FoldHeader.MaxBytes);
                    for (int kind = 0; kind < Contents.Kinds.Length; kind++)
                    {
                        // Shorter ones after the longest, of which candidates are left.
                        foreach (int length in (int[])[most, 1, 31, 33, 333, 4096])
                        {
                            Span<byte> text = page.At(atEnd, length);
                            Contents.Fill(text, kind, (ulong)length, FoldSubjects.Dictionary(tables));
                            byte[] copy = text.ToArray();
                            Span<byte> room = packed.At(atEnd, codec.MaxCompressedLength(length));
                            Assert.True(guarded.Context.TryCompress(text, room, out int written));
                            text.Clear();
                            byte[] result = room[..written].ToArray();
                            Span<byte> source = packed.At(atEnd, written);
                            result.CopyTo(source);
                            Assert.True(guarded.Context.TryDecompress(source, text));
                            Assert.True(copy.AsSpan().SequenceEqual(text));
                        }
                    }
                }
            }
        }
    }

    /// <summary>The result is a page that the thread never wrote as a whole, or none; it is read or refused.</summary>
    [Theory]
    [MemberData(nameof(Levels))]
    public async Task A_page_may_change_while_it_is_compressed(FoldLevel level)
    {
        GuardedMemory.SkipUnlessPossible();
        foreach (string tables in (string[])[FoldSubjects.BuiltIn, "20000", FoldSubjects.Crude])
        {
            foreach (int size in (int[])[4096, 65536])
                await Compress(level, tables, size);
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Nothing_is_allocated_on_the_managed_heap(FoldLevel level)
    {
        foreach (string tables in (string[])[FoldSubjects.BuiltIn, "20000"])
        {
            foreach (int size in (int[])[512, 4096, 16384])
            {
                FoldCodec codec = FoldSubjects.Codec(level, tables, InstructionPaths.Best);
                using PageCodecContext context = codec.CreateContext(size);
                byte[][] pages = [.. Contents.Kinds.Select((_, kind) =>
                {
                    byte[] page = new byte[size];
                    Contents.Fill(page, kind, 1, FoldSubjects.Dictionary(tables));
                    return page;
                })];
                byte[] packed = new byte[codec.MaxCompressedLength(size)];
                byte[] back = new byte[size];
                long least = long.MaxValue;
                for (int round = 0; round < 40; round++)
                {
                    long before = GC.GetAllocatedBytesForCurrentThread();
                    foreach (byte[] page in pages)
                    {
                        _ = context.TryCompress(page, packed, out int written);
                        _ = context.TryDecompress(packed.AsSpan(0, written), back);
                        _ = context.TryCompress(page, packed.AsSpan(0, 3), out _);
                        _ = context.TryDecompress(page.AsSpan(0, written / 2), back);
                    }
                    least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
                }
                Assert.Equal(0, least);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void A_context_holds_what_the_codec_said_before(FoldLevel level)
    {
        foreach (string tables in FoldSubjects.TableNames)
        {
            FoldCodec codec = FoldSubjects.Codec(level, tables, InstructionPaths.Best);
            foreach (int size in PageSizes)
            {
                using PageCodecContext context = codec.CreateContext(size);
                Assert.Equal(codec.MaxContextBytes(size), context.Bytes);
                Assert.InRange(context.Bytes, size, 20 * size + 3 * FoldSubjects.Dictionary(tables).Length + (128 << 10));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void What_contexts_share_is_known_before_and_within_its_bound(FoldLevel level)
    {
        foreach (string tables in FoldSubjects.TableNames)
        {
            if (FoldSubjects.Tables(tables) is not { } own)
                continue;
            byte[] bytes = own.Definition.ToArray();
            PageCodec codec = PageCodec.Fold(level, bytes);
            long before = codec.SharedBytes;
            Assert.InRange(before, own.Definition.Dictionary.Length + 1, FoldCodec.MaxSharedBytes(bytes.Length));
            using PageCodecContext small = codec.CreateContext(4096);
            using PageCodecContext large = codec.CreateContext(65536);
            Assert.Equal(before, codec.SharedBytes);
            long finder = (own.SmallDictionary?.Bytes ?? 0) + (own.LargeDictionary?.Bytes ?? 0);
            Assert.Equal(own.TableBytes + own.Definition.Dictionary.Length + finder, before);
        }
        // Built-in tables are read with the first context.
        PageCodec builtIn = PageCodec.Fold(level);
        using (builtIn.CreateContext(4096))
            Assert.InRange(builtIn.SharedBytes, 1, FoldCodec.MaxSharedBytes(0));
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void A_context_is_of_no_use_once_it_is_disposed(FoldLevel level)
    {
        PageCodecContext context = PageCodec.Fold(level).CreateContext(4096);
        long bytes = context.Bytes;
        context.Dispose();
        context.Dispose();
        Assert.Equal(bytes, context.Bytes);
        Assert.Throws<ObjectDisposedException>(() => context.TryCompress(new byte[4096], new byte[5000], out _));
        Assert.Throws<ObjectDisposedException>(() => context.TryDecompress(new byte[20], new byte[4096]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65537)]
    [InlineData(int.MaxValue)]
    public void Page_sizes_that_do_not_exist_are_refused(int pageSize) =>
        Assert.Contains($"no pages of {pageSize} bytes",
            Assert.Throws<ArgumentOutOfRangeException>(() => PageCodec.Fold().CreateContext(pageSize)).Message, StringComparison.Ordinal);

    [Fact]
    public void Levels_that_do_not_exist_are_refused() =>
        Assert.Contains("Level 7", Assert.Throws<ArgumentOutOfRangeException>(() => PageCodec.Fold((FoldLevel)7)).Message,
            StringComparison.Ordinal);

    private static async Task Compress(FoldLevel level, string tables, int size)
    {
        FoldCodec codec = FoldSubjects.Codec(level, tables, InstructionPaths.Best);
        using GuardedContext guarded = new(codec, size, atEnd: true);
        using GuardedMemory page = new(size);
        using GuardedMemory packed = new(codec.MaxCompressedLength(size));
        byte[] back = new byte[size];
        using CancellationTokenSource ended = new();
        long changes = 0;
        Task scribbler = Pages.OnItsOwnThread(() =>
        {
            Dice dice = new(4);
            while (!ended.IsCancellationRequested)
            {
                Span<byte> text = page.AtEnd(size);
                int at = dice.Below(size);
                Span<byte> part = text.Slice(at, Math.Min(size - at, dice.Below(500)));
                Contents.Fill(part, dice.Below(Contents.Kinds.Length), dice.Next(), default);
                Interlocked.Increment(ref changes);
            }
        });
        int rounds = 0;
        for (; rounds < 300 || Interlocked.Read(ref changes) < 1000; rounds++)
        {
            Span<byte> room = packed.AtEnd(codec.MaxCompressedLength(size));
            Assert.True(guarded.Context.TryCompress(page.AtEnd(size), room, out int written));
            Assert.True(guarded.Context.TryDecompress(room[..written], back));
        }
        await ended.CancelAsync();
        await scribbler;
    }
}
