// A cache with a limit in bytes, used directly: spans in and out, expiry, tags, and a load that is overtaken by a removal.
using System.Text;
using PageFold.Caching;

byte[] value = new byte[4096];
using CompressedCache cache = new(new CompressedCacheOptions { MemoryLimit = 16 << 20 });
CacheSetOutcome outcome = cache.Set("greeting", "Hello, cache."u8, new CacheEntryPolicy { SlidingExpiration = TimeSpan.FromMinutes(20) });
CacheGetOutcome found = cache.TryGet("greeting", value, out int length);     // Hit, Miss, or TooSmall with the length
Console.WriteLine($"set: {outcome}, for it is too short to be compressed; get: {found}, {Encoding.UTF8.GetString(value, 0, length)}");
if (found != CacheGetOutcome.Hit || !value.AsSpan(0, length).SequenceEqual("Hello, cache."u8))
    return Failed("the value was not read back");

// More than fits at first: entries are evicted, and the limit holds. Meanwhile the cache trains a dictionary from its values, in the
// background, for which it takes a quarter of this small limit. Once it has the dictionary, all products may fit.
for (int round = 0; round < 20 && cache.GetStatistics().DictionaryVersion == 0; round++)
    SetProducts();
SetProducts();
CompressedCacheStatistics full = cache.GetStatistics();
Console.WriteLine($"{full.Entries:N0} of 100,000 products are held in {full.UsedBytes:N0} bytes, "
    + $"compressed {full.CompressionRatio:F1} times; evicted on the way: {full.Evictions[CacheEvictionReason.Capacity]:N0}");
if (full.UsedBytes > full.MemoryLimit || full.Entries == 0)
    return Failed("the limit did not hold");

cache.RemoveByTag("even");
if (cache.TryGet("product 99998", value, out _) != CacheGetOutcome.Miss)
    return Failed("a tag was removed, and an entry with it is still there");
Console.WriteLine("the products with the tag 'even' are gone");

// A value is loaded because of a miss. Meanwhile the key is removed: what was loaded is out of date and is not stored.
cache.TryGet("price", value, out _, out CacheMissToken token);
byte[] loaded = "10 EUR"u8.ToArray();
cache.Remove("price");
outcome = cache.Set("price", loaded, token: token);
Console.WriteLine($"a value that was removed while it was loaded: {outcome}");
return outcome == CacheSetOutcome.Superseded && !cache.Contains("price") ? 0 : Failed("a stale value was stored");

void SetProducts()
{
    for (int number = 0; number < 100_000; number++)
        cache.Set($"product {number}", Document(number), new CacheEntryPolicy { Tags = [number % 2 == 0 ? "even" : "odd"] });
}

static byte[] Document(int number) => Encoding.UTF8.GetBytes($$"""
    {"id":{{number}},"name":"Product {{number}}","price":{{number % 977}}.95,"currency":"EUR",
    "stock":{"here":{{number % 13}},"there":{{number % 7}}},"tags":["new","sale"]}
    """);

static int Failed(string what)
{
    Console.Error.WriteLine($"FAILED: {what}");
    return 1;
}
