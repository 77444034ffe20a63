using System.Text;

namespace PageFold.Tests.Store;

/// <summary>
/// A small disk of records in words that change slowly, as a database's do: by day some pages are written anew, by night a dictionary is
/// trained on what is there and everything is recompressed with it.
/// </summary>
/// <param name="store">The store, empty.</param>
/// <param name="pages">Pages of the disk.</param>
/// <param name="dictionaryBytes">Bytes of each dictionary.</param>
/// <param name="level">The level of Zstandard.</param>
/// <param name="seed">What the content depends on.</param>
internal sealed class TrainingNights(PageStore store, int pages, int dictionaryBytes, int level, int seed)
{
    private const int WrittenByDay = 8;
    private const int WordsOfADay = 400;

    private readonly Random _random = new(seed);
    private readonly byte[]?[] _expected = new byte[pages][];
    private int _day;

    /// <summary>What one night came to.</summary>
    /// <param name="Result">What the recompression did.</param>
    /// <param name="Codecs">Codecs that the store knows after it.</param>
    /// <param name="HeldBytes">Bytes that the store holds after it.</param>
    /// <param name="StoredBytes">What the codecs made of the pages.</param>
    public sealed record Night(RecompressionResult Result, int Codecs, long HeldBytes, long StoredBytes);

    /// <summary>Goes through days and nights, and checks now and then that every page holds what was written.</summary>
    public List<Night> Run(int nights, Action<PageStore>? byDay = null)
    {
        List<Night> past = [];
        for (int night = 0; night < nights; night++)
        {
            Write(night == 0 ? pages : pages / WrittenByDay);
            byDay?.Invoke(store);
            byte[] dictionary = store.TrainDictionary(dictionaryBytes, level)!;
            Assert.NotNull(dictionary);
            RecompressionResult result = store.Recompress(new RecompressionOptions { Codec = PageCodec.Zstd(level, dictionary),
                RetryWithoutGain = true, RetireOthers = true });
            store.Compact();
            PageStoreStatistics statistics = store.GetStatistics();
            past.Add(new Night(result, store.Codecs.Count, statistics.TotalBytes,
                statistics.CompressedBytes + statistics.WrittenBackBytes));
            if (night % 10 == 9)
                AssertHoldsAll();
        }
        AssertHoldsAll();
        return past;
    }

    public void AssertHoldsAll()
    {
        byte[] read = new byte[store.PageSize];
        for (int page = 0; page < pages; page++)
        {
            Assert.True(store.TryRead(page, read));
            Assert.True(read.AsSpan().SequenceEqual(_expected[page]), $"page {page} differs");
        }
    }

    private void Write(int count)
    {
        _day++;
        for (int i = 0; i < count; i++)
        {
            int page = count == pages ? i : _random.Next(pages);
            _expected[page] = MakePage();
            Assert.NotEqual(StoreOutcome.Full, store.Write(page, _expected[page]));
        }
    }

    // Words of the last days, so that a dictionary is worth training anew; many, so that a page has few of them twice.
    private byte[] MakePage()
    {
        byte[] page = new byte[store.PageSize];
        int length = 0;
        while (length < page.Length)
        {
            Random word = new(unchecked((_day + _random.Next(4)) * 7919 + _random.Next(WordsOfADay)));
            string text = string.Create(20, word, static (letters, random) =>
            {
                foreach (ref char letter in letters)
                    letter = (char)random.Next('a', 'z');
            }) + _random.Next(100);
            byte[] bytes = Encoding.ASCII.GetBytes(text);
            bytes.AsSpan(0, Math.Min(bytes.Length, page.Length - length)).CopyTo(page.AsSpan(length));
            length += bytes.Length;
        }
        return page;
    }
}
