using System.Buffers;

namespace PageFold.Caching.Distributed;

/// <summary>Tells the entries by which HybridCache and FusionCache remember that a tag was invalidated.</summary>
/// <remarks>
/// <para>
/// Both write, under a key made of a text of their own and the tag, when the tag was last invalidated, and both read an absent entry as
/// "never". HybridCache's key is <c>__MSFT_HCT__</c> and the tag. FusionCache's is <c>__fc:t:</c>, or <c>__fc-t-</c> with its "safe"
/// strings, and the tag, after the version of its format and the prefix of its cache. A decorator may put a prefix before either.
/// </para>
/// <para>
/// A key of the application that contains such a text is taken for a marker too: it is pinned, within the share that all markers have.
/// </para>
/// </remarks>
internal static class TagMarkers
{
    private static readonly SearchValues<string> Texts =
        SearchValues.Create(["__MSFT_HCT__", "__fc:t:", "__fc-t-"], StringComparison.Ordinal);

    public static bool IsMarker(string key) => key.AsSpan().ContainsAny(Texts);
}
