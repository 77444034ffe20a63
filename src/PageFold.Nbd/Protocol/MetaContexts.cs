namespace PageFold.Nbd.Protocol;

/// <summary>The metadata contexts of an export.</summary>
[Flags]
internal enum MetaContexts
{
    None = 0,

    /// <summary>The protocol's own: holes and zeros.</summary>
    Allocation = 1,

    /// <summary>How each extent is held.</summary>
    Residency = 2,
}

/// <summary>The metadata contexts: their names, the numbers that block status goes by, and what a query finds.</summary>
internal static class MetaContextNames
{
    public const string Allocation = "base:allocation";
    public const string Residency = "pagefold:residency";

    public static (MetaContexts Context, string Name)[] All { get; } = [
        (MetaContexts.Allocation, Allocation), (MetaContexts.Residency, Residency)];

    /// <summary>What queries select. Listing takes a namespace alone ("base:") for all of it, and no query at all for everything.</summary>
    public static MetaContexts Select(IReadOnlyList<string> queries, bool listing)
    {
        MetaContexts selected = MetaContexts.None;
        foreach ((MetaContexts context, string name) in All)
        {
            string space = name[..(name.IndexOf(':', StringComparison.Ordinal) + 1)];
            if (listing && queries.Count == 0 || queries.Contains(name) || listing && queries.Contains(space))
                selected |= context;
        }
        return selected;
    }
}

/// <summary>The flags of <c>base:allocation</c>.</summary>
[Flags]
internal enum AllocationFlags : uint
{
    None = 0,
    Hole = 1,
    Zero = 2,
}

/// <summary>
/// The flags of <c>pagefold:residency</c>.
/// </summary>
/// <remarks>
/// One of the lowest five says how an extent is held, none of them that it is a hole. <see cref="WriteMayMeetNoSpace"/> is set where a
/// write can be refused although the extent is allocated, because the new content may compress less than the old.
/// </remarks>
[Flags]
internal enum ResidencyFlags : uint
{
    None = 0,
    Zero = 1 << 0,
    SameFilled = 1 << 1,
    Compressed = 1 << 2,
    Incompressible = 1 << 3,
    WrittenBack = 1 << 4,
    WriteMayMeetNoSpace = 1 << 8,
}
