namespace PageFold.Caching;

/// <summary>What a batch of look-ups found for one key.</summary>
/// <param name="Outcome">What was found.</param>
/// <param name="Offset">Where the value begins, if it was found.</param>
/// <param name="Length">Bytes of the value; zero after a miss.</param>
public readonly record struct CacheValueRange(CacheGetOutcome Outcome, int Offset, int Length);
