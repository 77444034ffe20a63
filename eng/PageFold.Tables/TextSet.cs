using System.Globalization;
using System.IO.Hashing;

namespace PageFold.Tables;

/// <summary>The texts of one length that were taken from files and processes: to train on, and held out.</summary>
/// <param name="length">The texts' length.</param>
/// <param name="quota">The most texts of one source (files, processes) in each half.</param>
internal sealed class TextSet(int length, int quota)
{
    private readonly HashSet<ulong> _seen = [];
    private readonly Dictionary<string, int> _counts = [];

    /// <summary>Bytes of each text.</summary>
    public int Length => length;

    /// <summary>The texts to train on.</summary>
    public List<byte[]> Training { get; } = [];

    /// <summary>The texts that are held out, by source.</summary>
    public Dictionary<string, List<byte[]>> HeldOut { get; } = [];

    /// <summary>True if a source has no room for more texts of a kind.</summary>
    /// <param name="source">The source.</param>
    /// <param name="kind">The kind.</param>
    /// <param name="share">The part of the source's room that is for the kind.</param>
    /// <param name="isHeldOut">Which half.</param>
    public bool IsFull(string source, string kind, double share, bool isHeldOut) =>
        Count(source, string.Empty, isHeldOut) >= quota || Count(source, kind, isHeldOut) >= quota * share;

    /// <summary>Adds a text, unless it repeats one word of eight bytes or was added before.</summary>
    public void Add(string source, string kind, bool isHeldOut, ReadOnlySpan<byte> text)
    {
        if (text[sizeof(ulong)..].SequenceEqual(text[..^sizeof(ulong)]) || !_seen.Add(XxHash3.HashToUInt64(text)))
            return;
        foreach (string counted in (string[])[string.Empty, kind])
            _counts[Key(source, counted, isHeldOut)] = Count(source, counted, isHeldOut) + 1;
        if (!isHeldOut)
            Training.Add(text.ToArray());
        else if (HeldOut.TryGetValue(source, out List<byte[]>? texts))
            texts.Add(text.ToArray());
        else
            HeldOut[source] = [text.ToArray()];
    }

    /// <summary>Returns how many texts of the most frequent kinds there are to train on.</summary>
    public string Describe(string source)
    {
        const int Shown = 20;
        string start = Key(source, string.Empty, isHeldOut: false);
        (string Kind, int Count)[] kinds =
        [
            .. _counts.Where(pair => pair.Key.StartsWith(start, StringComparison.Ordinal) && pair.Key != start)
                .Select(pair => (pair.Key[start.Length..], pair.Value)).OrderByDescending(pair => pair.Value),
        ];
        IEnumerable<string> shown = kinds.Take(Shown)
            .Select(kind => string.Create(CultureInfo.InvariantCulture, $"{kind.Kind} {kind.Count}"));
        string others = kinds.Length <= Shown
            ? string.Empty
            : string.Create(CultureInfo.InvariantCulture, $", others {kinds.Skip(Shown).Sum(kind => kind.Count)}");
        return string.Join(", ", shown) + others;
    }

    private static string Key(string source, string kind, bool isHeldOut) => $"{source}/{(isHeldOut ? 1 : 0)}/{kind}";

    private int Count(string source, string kind, bool isHeldOut) => _counts.GetValueOrDefault(Key(source, kind, isHeldOut));
}
