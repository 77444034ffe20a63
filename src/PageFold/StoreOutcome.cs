namespace PageFold;

/// <summary>What became of a page that was written.</summary>
public enum StoreOutcome
{
    /// <summary>Stored compressed.</summary>
    Stored,

    /// <summary>One repeated word: stored without an object.</summary>
    SameFilled,

    /// <summary>Stored raw, because compression gains too little.</summary>
    Incompressible,

    /// <summary>Refused: the limit is reached. The old content is kept or gone, as <see cref="RefusalPolicy"/> says.</summary>
    Full,
}

/// <summary>What a refused overwrite leaves behind.</summary>
public enum RefusalPolicy
{
    /// <summary>The old content stays and can be read: what a disk does.</summary>
    Keep,

    /// <summary>The old content is gone, so that no reader gets stale data: what frontswap does.</summary>
    Invalidate,
}
