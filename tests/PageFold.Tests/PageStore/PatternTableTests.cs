using System.Runtime.InteropServices;
using PageFold.Frames;
using PageFold.Store.Index;

namespace PageFold.Tests.Store;

/// <summary>The words of same-filled pages: each once, found again, and never in a long chain, whatever words a client chooses.</summary>
public class PatternTableTests
{
    private const int PageSize = 4096;

    // With one word for each bucket on average, a chain this long is found in fewer than one of 10^12 tables.
    private const int LongChain = 24;

    [Theory]
    [InlineData(0x0000000000000000, 0xBD60ACB658C79E45)]
    [InlineData(0x0000000000000001, 0x1E9F734161D62DD9)]
    [InlineData(0x0123456789ABCDEF, 0x8662046E52264DB8)]
    [InlineData(0xFFFFFFFFFFFFFFFF, 0x2F205BE2FEC8E38D)]
    [InlineData(0x9E3779B97F4A7C15, 0x492A20462C05B4BC)]
    public void A_word_is_hashed_as_CPython_hashes_its_bytes_under_a_key_of_zeros(ulong word, ulong expected) =>
        Assert.Equal(expected, new KeyedHash(0, 0).Of(word));

    [Fact]
    public void The_key_matters_and_two_tables_have_two()
    {
        Assert.Equal(0x369095118D299A8EUL, new KeyedHash(0x0706050403020100, 0x0F0E0D0C0B0A0908).Of(0x0706050403020100));
        Assert.NotEqual(KeyedHash.NewRandom().Of(1), KeyedHash.NewRandom().Of(1));
    }

    [Fact]
    public void Words_crafted_to_share_a_bucket_do_not_share_a_chain()
    {
        using PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        byte[] page = new byte[PageSize];
        foreach ((ulong word, int number) in Crafted(40_000).Select((word, number) => (word, number)))
        {
            MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(word);
            Assert.Equal(StoreOutcome.SameFilled, store.Write(number, page));
        }
        Assert.InRange(store.Index.Patterns.LongestChain, 1, LongChain);
    }

    [Fact]
    public void A_snapshot_of_crafted_words_loads_into_short_chains()
    {
        using SnapshotFolder folder = new();
        using (PageStore store = new(new PageStoreOptions { MemoryLimit = 64 << 20 }))
        {
            byte[] page = new byte[PageSize];
            foreach ((ulong word, int number) in Crafted(20_000).Select((word, number) => (word, number)))
            {
                MemoryMarshal.Cast<byte, ulong>(page.AsSpan()).Fill(word);
                store.Write(number, page);
            }
            store.SaveSnapshot(folder.File, new SnapshotOptions { Length = 20_000L * PageSize });
        }
        using PageStore loaded = new(new PageStoreOptions { MemoryLimit = 64 << 20 });
        loaded.LoadSnapshot(folder.File);
        Assert.Equal(20_000, loaded.GetStatistics().SameFilledPages);
        Assert.InRange(loaded.Index.Patterns.LongestChain, 1, LongChain);
    }

    [Fact]
    public void The_table_agrees_with_a_dictionary_also_when_memory_is_refused() => Gen.Int.Sample(
        seed =>
        {
            Random random = new(seed);
            AllocationFaults faults = new();
            MemoryBudget budget = new(1 << 20) { Faults = faults };
            PatternTable table = new(budget);
            Dictionary<ulong, (uint Number, int Pages)> model = [];
            for (int i = 0; i < 20_000; i++)
            {
                if (random.Next(500) == 0)
                    faults.Refuse(1, random.Next(40));
                ulong word = (ulong)random.Next(1, 8000) * 0x9E3779B97F4A7C15;
                bool known = model.TryGetValue(word, out (uint Number, int Pages) entry);
                switch (random.Next(5))
                {
                    case < 3:
                        if (table.TryAdd(word, out uint number))
                            model[word] = (number, entry.Pages + 1);
                        else
                            Assert.False(known, "a word that is known needs no memory");
                        break;
                    case 3 when known:
                        table.Remove(entry.Number);
                        Take(model, word);
                        break;
                    case 4 when known:
                        ulong other = (ulong)random.Next(1, 8000) * 0x9E3779B97F4A7C15;
                        uint replaced = entry.Number;
                        if (other == word || !table.TryReplace(ref replaced, other))
                            break;
                        Take(model, word);
                        model[other] = (replaced, model.GetValueOrDefault(other).Pages + 1);
                        break;
                }
            }
            foreach ((ulong word, (uint number, _)) in model)
                Assert.Equal(word, table.Get(number));
            Assert.Equal(table.Bytes, budget.Used);
            Assert.InRange(table.LongestChain, 1, 2 * LongChain);
            foreach ((uint number, int pages) in model.Values)
            {
                for (int page = 0; page < pages; page++)
                    table.Remove(number);
            }
            table.TrimIfEmpty();
            Assert.Equal(0, budget.Used);
        },
        iter: 20);

    /// <summary>
    /// Words whose product with the golden ratio's odd constant is a small number: the buckets of a multiplicative hash are its top bits.
    /// </summary>
    private static IEnumerable<ulong> Crafted(int count)
    {
        const ulong Odd = 0x9E3779B97F4A7C15;
        ulong inverse = 1;
        for (int i = 0; i < 6; i++)
            inverse *= 2 - Odd * inverse;
        for (ulong i = 1; i <= (ulong)count; i++)
            yield return i * inverse;
    }

    private static void Take(Dictionary<ulong, (uint Number, int Pages)> model, ulong word)
    {
        (uint number, int pages) = model[word];
        if (pages == 1)
            model.Remove(word);
        else
            model[word] = (number, pages - 1);
    }
}
