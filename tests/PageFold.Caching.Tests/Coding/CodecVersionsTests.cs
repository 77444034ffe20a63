using System.Diagnostics;
using PageFold.Caching.Coding;

namespace PageFold.Caching.Tests.Coding;

/// <summary>Tables stay as long as entries or readers need them, and not longer.</summary>
public class CodecVersionsTests
{
    private static readonly ValueCodingOptions Untrained = new() { Trains = false, MaxVersions = 3 };

    [Fact]
    public void A_version_stays_while_it_is_the_current_one_or_an_entry_needs_it()
    {
        CodingMemory memory = new();
        using (ValueCoding coding = ValueCoding.TryCreate(memory, Untrained)!)
        {
            Assert.True(coding.TryPublish(Values.OrderTables));
            ValueCoder coder = coding.Take();
            ValueForm form = coder.Encode(Values.Order(1), 0, out ReadOnlySpan<byte> bytes);
            byte[] stored = bytes.ToArray();
            coding.Versions.AddReference(form);
            coding.Return(coder);
            long used = memory.Used;
            Assert.True(coding.TryPublish(Values.PageTables));
            Assert.Equal(2, coding.Versions.All.Length);
            Assert.Equal(form.Number, coding.Versions.Oldest!.Number);
            Assert.Equal(2, coding.Versions.Oldest.References);
            coding.Release(form);
            AssertDecodes(coding, form, stored);
            coding.Release(form);
            Assert.Single(coding.Versions.All);
            Assert.Null(coding.Versions.Oldest);
            Assert.Null(coding.Versions[form.Number]);
            // Its tables, and the context of the coder that used them.
            Assert.InRange(memory.Used, 1, used);
            // A current version without entries goes when it is replaced.
            Assert.True(coding.TryPublish(Values.OrderTables));
            Assert.Single(coding.Versions.All);
        }
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void A_version_without_entries_stays_for_a_reader_that_has_a_coder()
    {
        CodingMemory memory = new();
        using (ValueCoding coding = ValueCoding.TryCreate(memory, Untrained)!)
        {
            Assert.True(coding.TryPublish(Values.OrderTables));
            ValueCoder writer = coding.Take();
            byte[] order = Values.Order(1);
            ValueForm form = writer.Encode(order, 0, out ReadOnlySpan<byte> stored);
            ValueCoder reader = coding.Take();
            Assert.True(coding.TryPublish(Values.PageTables));
            coding.Release(form);
            Assert.Equal(2, coding.Versions.All.Length);
            // The writer's own coder keeps it too, and then the reader's alone.
            byte[] bytes = stored.ToArray();
            coding.Return(writer);
            Assert.Equal(2, coding.Versions.All.Length);
            byte[] back = new byte[order.Length];
            Assert.True(reader.TryDecode(form, bytes, default, back));
            Assert.Equal(order, back);
            coding.Return(reader);
            Assert.Single(coding.Versions.All);
        }
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void No_further_version_is_made_before_an_old_one_is_given_back()
    {
        CodingMemory memory = new();
        using ValueCoding coding = ValueCoding.TryCreate(memory, Untrained)!;
        List<ValueForm> forms = [];
        for (int i = 0; i < 3; i++)
        {
            Assert.False(coding.Versions.IsFull);
            Assert.True(coding.TryPublish(Values.OrderTables));
            ValueCoder coder = coding.Take();
            forms.Add(coder.Encode(Values.Order(1), 0, out _));
            coding.Return(coder);
        }
        Assert.Equal(3, forms.Distinct().Count());
        Assert.True(coding.Versions.IsFull);
        long used = memory.Used;
        Assert.False(coding.TryPublish(Values.OrderTables));
        Assert.Equal(used, memory.Used);
        Assert.Equal(forms[0].Number, coding.Versions.Oldest!.Number);
        coding.Release(forms[0]);
        Assert.True(coding.TryPublish(Values.OrderTables));
        Assert.Equal(forms[1].Number, coding.Versions.Oldest!.Number);
    }

    [Fact]
    public void Tables_beyond_the_limit_and_bytes_that_are_none_change_nothing()
    {
        CodingMemory memory = new();
        using ValueCoding coding = ValueCoding.TryCreate(memory, Untrained)!;
        long used = memory.Used;
        memory.Limit = used + 1000;
        Assert.False(coding.TryPublish(Values.OrderTables));
        Assert.Throws<ArgumentException>(() => coding.TryPublish(new byte[100]));
        Assert.Equal(used, memory.Used);
        Assert.Equal(coding.Versions.BuiltIn, coding.Versions.Current);
    }

    [Fact]
    public async Task Threads_read_right_values_while_versions_come_and_go()
    {
        CodingMemory memory = new();
        byte[][] tables = [Values.OrderTables, Values.PageTables];
        Entry?[] entries = new Entry?[16];
        int published = 0;
        using (ValueCoding coding = ValueCoding.TryCreate(memory, Untrained with { MaxCoders = 3 })!)
        {
            long end = Stopwatch.GetTimestamp() + 2 * Stopwatch.Frequency;
            Task[] threads = [.. Enumerable.Range(0, 4).Select(thread => Content.OnItsOwnThread(() => Work(coding, thread, end)))];
            while (Stopwatch.GetTimestamp() < end)
            {
                if (coding.TryPublish(tables[published % 2]))
                    published++;
                Assert.InRange(coding.Versions.All.Length, 0, 3);
            }
            await Task.WhenAll(threads);
            foreach (Entry? entry in entries)
                coding.Release(entry?.Form ?? default);
            Assert.Single(coding.Versions.All);
            Assert.Equal(0, coding.Versions.Current.References);
        }
        Assert.InRange(published, 10, int.MaxValue);
        Assert.Equal(0, memory.Used);

        void Work(ValueCoding coding, int thread, long end)
        {
            Random random = new(thread);
            byte[] back = new byte[1000];
            while (Stopwatch.GetTimestamp() < end)
            {
                ref Entry? place = ref entries[random.Next(entries.Length)];
                ValueCoder coder = coding.Take();
                if (random.Next(2) == 0)
                {
                    int seed = random.Next();
                    ValueForm form = coder.Encode(Values.Order(seed), 0, out ReadOnlySpan<byte> stored);
                    Entry? old = Interlocked.Exchange(ref place, new Entry(form, stored.ToArray(), seed));
                    coding.Release(old?.Form ?? default);
                }
                else if (Volatile.Read(ref place) is { } entry)
                {
                    // Another thread may free the entry now.
                    byte[] order = Values.Order(entry.Seed);
                    Assert.True(coder.TryDecode(entry.Form, entry.Bytes, default, back.AsSpan(0, order.Length)));
                    Assert.Equal(order, back.AsSpan(0, order.Length));
                }
                coding.Return(coder);
            }
        }
    }

    private static void AssertDecodes(ValueCoding coding, ValueForm form, byte[] stored)
    {
        byte[] order = Values.Order(1);
        byte[] back = new byte[order.Length];
        ValueCoder coder = coding.Take();
        Assert.True(coder.TryDecode(form, stored, default, back));
        Assert.Equal(order, back);
        coding.Return(coder);
    }

    private sealed record Entry(ValueForm Form, byte[] Bytes, int Seed);
}
