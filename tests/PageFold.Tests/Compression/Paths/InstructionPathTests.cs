using System.Runtime.Intrinsics.X86;
using PageFold.Compression.Fold;
using PageFold.Compression.Matching;
using PageFold.Compression.Paths;
using PageFold.Tests.Compression.Fold;

namespace PageFold.Tests.Compression.Paths;

/// <summary>Each operation of each path against what its summary says, in plain code.</summary>
public unsafe class InstructionPathTests
{
    private const int Room = 512;

    public static TheoryData<string> Paths() => [.. FoldSubjects.Paths.Select(InstructionPaths.NameOf)];

    private static PathOperations Of(string name) => name switch
    {
        "avx2-bmi2" => PathOperations.Of<Avx2Path>(),
        "avx2" => PathOperations.Of<Avx2WithoutDepositPath>(),
        "vector128" => PathOperations.Of<Vector128Path>(),
        _ => PathOperations.Of<ScalarPath>(),
    };

    [Theory]
    [MemberData(nameof(Paths))]
    public void EqualBytes_has_a_bit_for_each_byte_that_is_the_same(string name)
    {
        PathOperations path = Of(name);
        byte* a = stackalloc byte[Room];
        byte* b = stackalloc byte[Room];
        Dice dice = new(1);
        for (int round = 0; round < 20_000; round++)
        {
            for (int i = 0; i < 64; i++)
            {
                a[i] = (byte)dice.Next();
                // Often the same, and often different in one bit, the highest or the lowest one.
                b[i] = dice.Below(3) != 0 ? a[i] : (byte)(a[i] ^ 1 << dice.Below(8));
            }
            (int left, int right) = (dice.Below(32), dice.Below(2) == 0 ? 0 : dice.Below(32));
            right = dice.Below(2) == 0 ? left : right;
            uint expected = 0;
            for (int i = 0; i < 32; i++)
                expected |= a[left + i] == b[right + i] ? 1u << i : 0;
            Assert.Equal(expected, path.EqualBytes(a + left, b + right));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Copies_read_everything_before_they_write(string name)
    {
        PathOperations path = Of(name);
        byte[] memory = new byte[Room];
        byte[] model = new byte[Room];
        fixed (byte* start = memory)
        {
            for (int from = 64; from < 128; from++)
            {
                for (int to = 64; to < 128; to++)
                {
                    foreach (int count in (int[])[16, 32])
                    {
                        Pages.Fill(memory, (ulong)(from * 1000 + to));
                        memory.CopyTo(model, 0);
                        model.AsSpan(from, count).ToArray().CopyTo(model, to);
                        if (count == 16)
                            path.Copy16(start + to, start + from);
                        else
                            path.Copy32(start + to, start + from);
                        Assert.True(model.AsSpan().SequenceEqual(memory), $"{count} bytes from {from} to {to}");
                    }
                }
            }
        }
    }

    /// <summary>The period lies right before what is written, as the last bytes of a text do; and elsewhere.</summary>
    [Theory]
    [MemberData(nameof(Paths))]
    public void Repeats_write_the_period_again_and_again(string name)
    {
        PathOperations path = Of(name);
        FoldTables tables = BuiltInTables.For(4096);
        byte* periods = tables.Periods;
        byte[] memory = new byte[Room];
        fixed (byte* start = memory)
        {
            for (int period = 1; period <= 15; period++)
            {
                byte* indexes = periods + period * FoldTables.PeriodStride;
                Assert.Equal(32 / period * period, periods[period]);
                for (int length = 1; length <= 300; length++)
                {
                    Pages.Fill(memory, (ulong)(period * 1000 + length));
                    byte[] before = [.. memory];
                    const int To = 100;
                    path.Repeat(start + To, start + To - period, indexes, periods[period], start + To + length);
                    AssertRepeated(before, memory, To, period, length, 63);
                    if (length > 32)
                        continue;
                    before.CopyTo(memory, 0);
                    path.Repeat32(start + To, start + To - period, indexes);
                    AssertRepeated(before, memory, To, period, 32, 0);
                }
            }
        }
        GC.KeepAlive(tables);
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Bits_are_counted(string name)
    {
        PathOperations path = Of(name);
        Assert.Equal((0, 64, 64), (path.CountBits(0), path.TrailingZeros(0), path.LeadingZeros(0)));
        for (int low = 0; low < 64; low++)
        {
            for (int high = low; high < 64; high++)
            {
                ulong value = 1UL << low | 1UL << high;
                Assert.Equal(low == high ? 1 : 2, path.CountBits(value));
                Assert.Equal((low, 63 - high), (path.TrailingZeros(value), path.LeadingZeros(value)));
            }
        }
        Assert.Equal(64, path.CountBits(ulong.MaxValue));
    }

    /// <summary>Every mask that a valid box can have.</summary>
    [Theory]
    [MemberData(nameof(Paths))]
    public void Fields_are_spread_and_gathered_as_by_PDEP_and_PEXT(string name)
    {
        PathOperations path = Of(name);
        Dice dice = new(3);
        for (int literals = 0; literals <= Box.MaxBits; literals++)
        {
            for (int match = 0; match <= Box.MaxBits; match++)
            {
                foreach (int shift in (int[])[0, Box.MultipleShift])
                {
                    for (int distance = 0; distance <= Box.MaxBits - shift; distance++)
                    {
                        ulong mask = (1UL << literals) - 1 | ((1UL << match) - 1) << FoldTables.MatchShift
                            | ((1UL << distance) - 1) << shift + FoldTables.DistanceShift;
                        ulong noise = dice.Next() | dice.Next() << 32;
                        foreach (ulong bits in (ReadOnlySpan<ulong>)[noise, 0, ulong.MaxValue, 1])
                        {
                            Assert.Equal(Deposit(bits, mask), path.Deposit(bits, mask));
                            Assert.Equal(Extract(bits, mask), path.Extract(bits, mask));
                        }
                    }
                }
            }
        }
    }

    /// <summary>The plain model says what the instructions do.</summary>
    [Fact]
    public void The_model_of_PDEP_and_PEXT_is_that_of_the_processor()
    {
        Assert.SkipUnless(Bmi2.X64.IsSupported, "The processor has no PDEP and PEXT.");
        Dice dice = new(9);
        for (int i = 0; i < 10_000; i++)
        {
            (ulong bits, ulong mask) = (dice.Next() << 8 ^ dice.Next(), dice.Next() << 8 ^ dice.Next());
            Assert.Equal(Bmi2.X64.ParallelBitDeposit(bits, mask), Deposit(bits, mask));
            Assert.Equal(Bmi2.X64.ParallelBitExtract(bits, mask), Extract(bits, mask));
        }
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void Positions_are_hashed_and_exchanged_as_without_vectors(string name)
    {
        Compare<SmallShape>(Of(name), PathOperations.Of<ScalarPath>());
        Compare<LargeShape>(Of(name), PathOperations.Of<ScalarPath>());
    }

    [Theory]
    [MemberData(nameof(Paths))]
    public void A_position_without_a_distance_gets_that_of_the_same_tag_in_a_dictionary(string name)
    {
        LookUp<SmallShape>(Of(name));
        LookUp<LargeShape>(Of(name));
    }

    private static void LookUp<TShape>(PathOperations path)
        where TShape : struct, IMatchShape
    {
        const int Count = 16;
        const int MoreBits = 4;
        uint tagMask = uint.MaxValue << (32 - TagBits<TShape>());
        uint* indexes = stackalloc uint[Count];
        uint* entries = stackalloc uint[Count];
        ushort* distances = stackalloc ushort[Count];
        uint[] table = new uint[1 << IndexBits<TShape>() + MoreBits];
        ushort[] expected = new ushort[Count];
        Dice dice = new(5);
        int found = 0;
        fixed (uint* tableAt = table)
        {
            for (int round = 0; round < 20_000; round++)
            {
                int moreBits = dice.Below(MoreBits + 1);
                // From the first position behind the shortest dictionary to the last one behind the longest.
                uint reach = 1 + (uint)dice.Below(dice.Below(2) == 0 ? 40 : 2 * MatchDictionary.MaxLength - Count);
                uint hits = 0;
                for (int i = 0; i < Count; i++)
                {
                    indexes[i] = (uint)dice.Below(1 << IndexBits<TShape>());
                    entries[i] = (uint)dice.Next();
                    distances[i] = (ushort)(dice.Below(3) == 0 ? 1 + dice.Below(65535) : 0);
                    ref uint entry = ref table[indexes[i] << moreBits | (moreBits == 0 ? 0 : entries[i] >> (32 - moreBits))];
                    // Mostly the same tag, or one that differs in a bit at either end.
                    uint other = dice.Below(3) == 0 ? 1u << (dice.Below(2) == 0 ? 31 : 32 - TagBits<TShape>()) : 0;
                    entry = ((entries[i] ^ other) & tagMask) | (uint)dice.Below((int)Math.Min(reach, MatchDictionary.MaxLength));
                }
                for (int i = 0; i < Count; i++)
                {
                    uint entry = table[indexes[i] << moreBits | (moreBits == 0 ? 0 : entries[i] >> (32 - moreBits))];
                    uint distance = reach + (uint)i - (entry & ushort.MaxValue);
                    bool hit = ((entry ^ entries[i]) & tagMask) == 0 && distance <= MatchDictionary.MaxDistance;
                    expected[i] = distances[i] != 0 ? distances[i] : hit ? (ushort)distance : (ushort)0;
                    hits |= expected[i] != 0 ? 1u << i : 0;
                    found += hit && distances[i] == 0 ? 1 : 0;
                }
                Assert.Equal(hits, path.LookUp<TShape>(tableAt, moreBits, indexes, entries, reach, distances));
                Assert.Equal(expected, new ReadOnlySpan<ushort>(distances, Count));
            }
        }
        Assert.True(found > 1000);
    }

    private static void Compare<TShape>(PathOperations path, PathOperations plain)
        where TShape : struct, IMatchShape
    {
        const int Count = 256;
        byte[] text = new byte[Count + 32];
        uint[] table = new uint[MatchFinder.TableBytes<TShape>() / sizeof(uint)];
        uint[] otherTable = new uint[table.Length];
        uint[] indexes = new uint[Count];
        uint[] entries = new uint[Count];
        uint[] otherIndexes = new uint[Count];
        uint[] otherEntries = new uint[Count];
        ushort[] distances = new ushort[Count];
        ushort[] otherDistances = new ushort[Count];
        long hits = 0;
        fixed (byte* at = text)
        fixed (uint* tableAt = table, otherTableAt = otherTable, indexAt = indexes, entryAt = entries)
        fixed (uint* otherIndexAt = otherIndexes, otherEntryAt = otherEntries)
        fixed (ushort* distanceAt = distances, otherDistanceAt = otherDistances)
        {
            for (uint round = 0; round < 400; round++)
            {
                Contents.Fill(text, (int)round % Contents.Kinds.Length, round / 40, default);
                int count = 32 * (1 + (int)round % 8);
                uint first = 2 + round / 16 * 2 << PositionBits<TShape>() | round % 16 * Count;
                path.Hash<TShape>(at, indexAt, entryAt, first, count);
                plain.Hash<TShape>(at, otherIndexAt, otherEntryAt, first, count);
                Assert.Equal(otherIndexes.AsSpan(0, count), indexes.AsSpan(0, count));
                Assert.Equal(otherEntries.AsSpan(0, count), entries.AsSpan(0, count));
                for (int i = 0; i < count; i += 16)
                {
                    uint found = path.Exchange<TShape>(tableAt, indexAt + i, entryAt + i, distanceAt + i);
                    uint expected = plain.Exchange<TShape>(otherTableAt, otherIndexAt + i, otherEntryAt + i, otherDistanceAt + i);
                    Assert.Equal(expected, found);
                    hits += uint.PopCount(found);
                }
                Assert.Equal(otherDistances.AsSpan(0, count), distances.AsSpan(0, count));
                Assert.Equal(otherTable, table);
            }
        }
        Assert.True(hits > 1000);
    }

    private static int PositionBits<TShape>()
        where TShape : struct, IMatchShape => TShape.PositionBits;

    private static int IndexBits<TShape>()
        where TShape : struct, IMatchShape => TShape.IndexBits;

    private static int TagBits<TShape>()
        where TShape : struct, IMatchShape => TShape.TagBits;

    private static void AssertRepeated(byte[] before, byte[] memory, int to, int period, int length, int beyond)
    {
        for (int i = 0; i < length; i++)
            Assert.True(memory[to + i] == before[to - period + i % period], $"byte {i} of {length}, period {period}");
        Assert.Equal(before.AsSpan(0, to), memory.AsSpan(0, to));
        Assert.Equal(before.AsSpan(to + length + beyond), memory.AsSpan(to + length + beyond));
    }

    private static ulong Deposit(ulong bits, ulong mask)
    {
        ulong result = 0;
        for (int i = 0, taken = 0; i < 64; i++)
        {
            if ((mask >> i & 1) != 0)
                result |= (bits >> taken++ & 1) << i;
        }
        return result;
    }

    private static ulong Extract(ulong fields, ulong mask)
    {
        ulong result = 0;
        for (int i = 0, given = 0; i < 64; i++)
        {
            if ((mask >> i & 1) != 0)
                result |= (fields >> i & 1) << given++;
        }
        return result;
    }
}
