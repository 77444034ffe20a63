using System.Globalization;
using System.Text;
using PageFold.Caching.Records;
using PageFold.Caching.Tests.Coding;
using PageFold.Caching.Tests.Expiry;

namespace PageFold.Caching.Tests.Saving;

public class RoundTripTests
{
    private static readonly int Iterations =
        int.Parse(Environment.GetEnvironmentVariable("PAGEFOLD_CACHE_SAVE_ITERATIONS") ?? "20", CultureInfo.InvariantCulture);

    private static readonly string[] Tags = ["a", "tag", "müller", "\u65E5\u672C", "lone \uD800", new string('x', 6000)];

    private static readonly Gen<byte[]> Value = Gen.Frequency(
        (10, Values.Any),
        (1, Gen.Select(Gen.Int, Gen.Int[65_530, 300_000]).Select((seed, length) => Values.Noise(seed, length))),
        (1, Gen.Select(Gen.Int, Gen.Int[65_530, 300_000]).Select((seed, length) => Enumerable.Range(0, length)
            .Select(i => (byte)((i / 7) ^ (i % 97 == 0 ? seed >> i % 24 : 0))).ToArray())));

    private static readonly Gen<Saved> Entry = Gen.Select(
        Gen.Frequency((9, Gen.Int[0, 60]), (1, Gen.Int[1000, 3000])), Value, Gen.Int[0, 5], Gen.Int[1, 60], Gen.Int[1, 60],
        Gen.Int[0, (1 << Tags.Length) - 1], Gen.Int[0, 7])
        .Select((key, value, expiry, after, latest, tags, pinned) => new Saved(key, value, expiry, 10 * after, 10 * latest,
            tags % 3 == 0 ? tags : 0, pinned == 0 && value.Length < 4096));

    private static readonly Gen<CacheCompression> Compression =
        Gen.Int[0, 2].Select(compression => (CacheCompression)compression);

    [Fact]
    public void What_is_saved_comes_back_with_its_time_and_tags()
    {
        Gen.Select(Entry.Array[0, 40], Gen.Int[0, 30], Gen.Int[0, 30], Compression, Compression).Sample(
            (entries, held, lay, from, to) =>
                RoundTrip(entries, TimeSpan.FromSeconds((10 * held) + 5), TimeSpan.FromSeconds(10 * lay), from, to),
            iter: Iterations, threads: 1);
    }

    private static void RoundTrip(Saved[] entries, TimeSpan held, TimeSpan lay, CacheCompression from, CacheCompression to)
    {
        SettableTime time = SavedCaches.Time();
        using CompressedCache cache = SavedCaches.Make(time, from);
        if (from == CacheCompression.Trained)
            Assert.True(cache.Parts.Coding.TryPublish(Values.OrderTables));
        Dictionary<string, Saved> model = [];
        for (int i = 0; i < entries.Length; i++)
        {
            string key = new string((char)('a' + i % 26), entries[i].Key) + i.ToString(CultureInfo.InvariantCulture);
            model[key] = entries[i];
            CacheSetOutcome outcome = entries[i].Pinned
                ? cache.SetPinned(Encoding.UTF8.GetBytes(key), entries[i].Value, entries[i].Policy(time))
                : cache.Set(key, entries[i].Value, entries[i].Policy(time));
            Assert.True(outcome is CacheSetOutcome.Stored or CacheSetOutcome.StoredRaw, outcome.ToString());
        }
        time.Pass(held);
        MemoryStream stream = SavedCaches.Save(cache, out CacheSaveResult saved);
        // What has expired may have been removed already.
        Assert.Equal(model.Values.Count(entry => entry.Left(held) > TimeSpan.Zero), saved.Entries);

        SettableTime later = SavedCaches.Time(time.UtcNow + lay);
        using CompressedCache other = SavedCaches.Make(later, to, seed: 2);
        CacheLoadResult loaded = other.Load(stream);
        Assert.Equal(0, loaded.Refused + loaded.Superseded);
        Assert.Equal(saved.Entries, loaded.Loaded + loaded.Expired);
        Assert.Equal(other.Count, loaded.Loaded);
        foreach ((string key, Saved entry) in model)
        {
            TimeSpan left = entry.Left(held, lay);
            Assert.Equal(left > TimeSpan.Zero, other.Contains(key));
        }
        Check(other, later, model, held, lay);
    }

    private static void Check(CompressedCache other, SettableTime later, Dictionary<string, Saved> model, TimeSpan held, TimeSpan lay)
    {
        // At a moment between the deadlines, which are a second early at most.
        TimeSpan step = TimeSpan.FromSeconds(98);
        later.Pass(step);
        foreach ((string key, Saved entry) in model)
            Assert.Equal(entry.Left(held, lay) > step, other.Contains(key));
        other.RemoveByTag(Tags[4]);
        other.RemoveByTag(Tags[1]);
        Func<Saved, bool> lives = entry => entry.Left(held, lay) > step && (entry.Tags & (1 << 4 | 1 << 1)) == 0;
        foreach ((string key, Saved entry) in model)
        {
            byte[]? value = SavedCaches.Get(other, key);
            Assert.Equal(lives(entry), value is not null);
            if (value is not null)
                Assert.True(value.AsSpan().SequenceEqual(entry.Value));
        }
        foreach ((string key, Saved entry) in model.Where(pair => lives(pair.Value)))
            Assert.Equal(entry.Pinned, SavedCaches.Look(other, key, (parts, view) => view.Header.Is(EntryForms.Pinned)));
    }

    private sealed record Saved(int Key, byte[] Value, int Expiry, int After, int Latest, int Tags, bool Pinned)
    {
        private bool IsSliding => Expiry is 3 or 4;

        public CacheEntryPolicy Policy(SettableTime time) => new()
        {
            Expiration = Expiry is 1 ? TimeSpan.FromSeconds(After) : null,
            ExpiresAt = Expiry is 2 ? time.UtcNow.AddSeconds(After) : Expiry is 4 ? time.UtcNow.AddSeconds(Latest) : null,
            SlidingExpiration = IsSliding ? TimeSpan.FromSeconds(After) : null,
            Tags = Tags == 0 ? null : [.. RoundTripTests.Tags.Where((_, i) => (Tags >> i & 1) != 0)],
        };

        public TimeSpan Left(TimeSpan held) => Expiry switch
        {
            1 or 2 or 3 => TimeSpan.FromSeconds(After) - held,
            4 => TimeSpan.FromSeconds(Math.Min(After, Latest)) - held,
            _ => TimeSpan.MaxValue,
        };

        /// <summary>Time in the file counts unless the entry slides.</summary>
        public TimeSpan Left(TimeSpan held, TimeSpan lay)
        {
            if (Left(held) is var left && (left <= TimeSpan.Zero || left == TimeSpan.MaxValue))
                return left;
            return Expiry switch
            {
                3 => left,
                4 => TimeSpan.FromSeconds(Latest) - held - lay is var latest && latest < left ? latest : left,
                _ => left - lay,
            };
        }
    }
}
