using PageFold.Caching.Coding;

namespace PageFold.Caching.Tests.Coding;

/// <summary>Every value comes back from every form; damage does no harm; nothing is allocated.</summary>
public class ValueCoderTests
{
    private const byte Canary = 0xC5;

    private static readonly ValueCodingOptions Untrained = new() { Trains = false };

    public static TheoryData<string> Tables() => ["built-in", "trained", "trained, short of memory", "trained, fast"];

    [Theory]
    [MemberData(nameof(Tables))]
    public void Every_value_comes_back_from_one_part_and_from_two(string tables)
    {
        CodingMemory memory = new();
        using (ValueCoding coding = Make(tables, memory))
        {
            byte[] target = new byte[ValueCoder.MaxLength + 2];
            Gen.Select(Values.Any, Gen.Double[0, 1], Gen.Int[0, 40]).Sample((value, share, before) =>
            {
                ValueCoder coder = coding.Take();
                ValueForm form = coder.Encode(value, before, out ReadOnlySpan<byte> stored);
                byte[] bytes = stored.ToArray();
                Assert.Equal(form.IsRaw, bytes.Length == value.Length);
                coding.Return(coder);
                coder = coding.Take();
                int cut = (int)(bytes.Length * share);
                foreach (int at in (int[])[bytes.Length, cut, 0])
                {
                    target.AsSpan().Fill(Canary);
                    Assert.True(coder.TryDecode(form, bytes.AsSpan(0, at), bytes.AsSpan(at), target.AsSpan(1, value.Length)));
                    Assert.Equal(value, target.AsSpan(1, value.Length));
                    Assert.True(target[0] == Canary && target[value.Length + 1] == Canary);
                }
                coding.Return(coder);
                coding.Release(form);
            }, iter: 400, threads: 1);
            // The first large context is there, but no other one.
            Assert.Equal(tables.EndsWith("memory", StringComparison.Ordinal), memory.Limit == memory.Used);
        }
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void A_short_value_that_was_encoded_without_memory_is_decoded_with_memory()
    {
        byte[] value = [.. Values.Order(1), .. Values.Order(2), .. Values.Order(3)];
        int made = 0;
        for (long limit = 64 << 10; limit <= 2 << 20; limit += 16 << 10)
        {
            CodingMemory memory = new() { Limit = limit };
            using ValueCoding? coding = ValueCoding.TryCreate(memory, Untrained);
            if (coding is null)
                continue;
            made++;
            ValueCoder coder = coding.Take();
            ValueForm form = coder.Encode(value, 0, out ReadOnlySpan<byte> stored);
            byte[] bytes = stored.ToArray();
            memory.Limit = long.MaxValue;
            byte[] target = new byte[value.Length];
            Assert.True(coder.TryDecode(form, bytes, [], target), $"A limit of {limit} bytes.");
            Assert.Equal(value, target);
            coding.Return(coder);
        }
        Assert.InRange(made, 10, 110);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Damaged_bytes_give_false_or_another_value_and_write_nowhere_else(string tables)
    {
        CodingMemory memory = new();
        using ValueCoding coding = Make(tables, memory);
        byte[] target = new byte[ValueCoder.MaxLength + 2];
        int refused = 0;
        Gen.Select(Values.Any, Gen.Int, Gen.Int[0, 3]).Sample((value, seed, kind) =>
        {
            Random random = new(seed);
            ValueCoder coder = coding.Take();
            ValueForm form = coder.Encode(value, 0, out ReadOnlySpan<byte> stored);
            byte[] bytes = stored.ToArray();
            int length = value.Length;
            switch (kind)
            {
                case 0 when bytes.Length > 0:
                    for (int i = random.Next(1, 4); i > 0; i--)
                        bytes[random.Next(bytes.Length)] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes = bytes[..random.Next(bytes.Length + 1)];
                    break;
                case 2:
                    bytes = Values.Noise(seed, random.Next(70_000));
                    break;
                default:
                    length = random.Next(Math.Min(ValueCoder.MaxLength, 2 * length) + 1);
                    break;
            }
            target.AsSpan().Fill(Canary);
            int cut = random.Next(bytes.Length + 1);
            refused += coder.TryDecode(form, bytes.AsSpan(0, cut), bytes.AsSpan(cut), target.AsSpan(1, length)) ? 0 : 1;
            Assert.Equal(Canary, target[0]);
            Assert.True(target.AsSpan(length + 1).IndexOfAnyExcept(Canary) < 0);
            coding.Return(coder);
            coding.Release(form);
        }, iter: 600, threads: 1);
        Assert.NotEqual(0, refused);
    }

    [Fact]
    public void Values_that_gain_too_little_are_raw()
    {
        CodingMemory memory = new();
        using ValueCoding coding = Make("trained", memory);
        ValueCoder coder = coding.Take();
        Gen.Select(Values.Any, Gen.Int[0, 40]).Sample((value, before) =>
        {
            ValueForm form = coder.Encode(value, before, out ReadOnlySpan<byte> stored);
            if (!form.IsRaw)
            {
                Assert.True(stored.Length <= value.Length - value.Length / 32);
                Assert.True((before + stored.Length + 15) / 16 < (before + value.Length + 15) / 16);
            }
            coding.Release(form);
        }, iter: 300, threads: 1);
        byte[] order = Values.Order(1);
        Assert.False(Form(order).IsRaw);
        // The same value behind the mark of a compressed format, and values of a few bytes.
        Assert.True(Form([0x1F, 0x8B, 8, .. order]).IsRaw);
        for (int length = 0; length < ValueCoder.MinLength; length++)
            Assert.True(Form(new byte[length]).IsRaw);
        Assert.False(Form(new byte[40]).IsRaw);
        Assert.Throws<ArgumentOutOfRangeException>(() => Form(new byte[ValueCoder.MaxLength + 1]));
        coding.Return(coder);

        ValueForm Form(byte[] value)
        {
            ValueForm form = coder.Encode(value, 0, out _);
            coding.Release(form);
            return form;
        }
    }

    [Fact]
    public void A_number_without_tables_and_an_empty_value_are_refused()
    {
        using ValueCoding coding = Make("built-in", new CodingMemory());
        ValueCoder coder = coding.Take();
        for (int number = ValueForm.FirstTrained; number <= byte.MaxValue; number++)
            Assert.False(coder.TryDecode(new ValueForm((byte)number), new byte[20], default, new byte[100]));
        Assert.False(coder.TryDecode(new ValueForm(ValueForm.BuiltInNumber), new byte[20], default, default));
        Assert.False(coder.TryDecode(ValueForm.Raw, new byte[20], default, new byte[19]));
        Assert.False(coder.TryDecode(ValueForm.Raw, new byte[20], new byte[1], new byte[20]));
        coding.Return(coder);
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public void Encoding_and_decoding_allocate_nothing(string tables)
    {
        CodingMemory memory = new();
        using ValueCoding coding = Make(tables, memory);
        byte[][] values = [.. Enumerable.Range(0, 40).Select(i => i % 10 == 0 ? new byte[i * 500] : Values.Order(i))];
        byte[] target = new byte[ValueCoder.MaxLength];
        byte[] stored = new byte[ValueCoder.MaxLength];
        Assert.Equal(0, Allocations.Least(GC.GetAllocatedBytesForCurrentThread, () =>
        {
            foreach (byte[] value in values)
            {
                ValueCoder coder = coding.Take();
                ValueForm form = coder.Encode(value, 8, out ReadOnlySpan<byte> bytes);
                bytes.CopyTo(stored);
                coder.TryDecode(form, stored.AsSpan(0, bytes.Length), default, target.AsSpan(0, value.Length));
                coding.Return(coder);
                coding.Release(form);
            }
        }));
    }

    [Fact]
    public async Task Threads_that_find_all_coders_taken_wait_for_one()
    {
        CodingMemory memory = new();
        using (ValueCoding coding = ValueCoding.TryCreate(memory, Untrained with { MaxCoders = 2 })!)
        {
            int taken = 0;
            int most = 0;
            byte[] order = Values.Order(1);
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Content.OnItsOwnThread(() =>
            {
                for (int i = 0; i < 3000; i++)
                {
                    ValueCoder coder = coding.Take();
                    int now = Interlocked.Increment(ref taken);
                    most = Math.Max(most, now);
                    Assert.InRange(now, 1, 2);
                    if (i % 100 == 0)
                        Thread.Sleep(1);
                    coding.Release(coder.Encode(order, 0, out ReadOnlySpan<byte> _));
                    Interlocked.Decrement(ref taken);
                    coding.Return(coder);
                }
            })));
            Assert.Equal(2, most);
        }
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void Too_little_memory_for_one_coder_is_told_and_none_is_kept()
    {
        CodingMemory memory = new();
        using (ValueCoding coding = Make("built-in", memory))
            memory.Limit = memory.Used - 1;
        Assert.Null(ValueCoding.TryCreate(memory, Untrained));
        Assert.Equal(0, memory.Used);
        memory.Limit = 100;
        Assert.Null(ValueCoding.TryCreate(memory, Untrained));
        Assert.Equal(0, memory.Used);
    }

    private static ValueCoding Make(string tables, CodingMemory memory)
    {
        bool isFast = tables.EndsWith("fast", StringComparison.Ordinal);
        ValueCodingOptions options = Untrained with { Level = isFast ? FoldLevel.Fast : FoldLevel.Dense };
        ValueCoding coding = ValueCoding.TryCreate(memory, options)!;
        if (tables != "built-in")
            Assert.True(coding.TryPublish(Values.OrderTables));
        if (tables.EndsWith("memory", StringComparison.Ordinal))
            memory.Limit = memory.Used;
        return coding;
    }
}
