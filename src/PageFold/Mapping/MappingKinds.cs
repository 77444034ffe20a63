namespace PageFold.Mapping;

/// <summary>What marks the choice of a mapping as one for study.</summary>
internal static class MappingKinds
{
    /// <summary>The diagnostic that a use of <see cref="MappingKind"/> has to suppress.</summary>
    public const string ForStudy = "PAGEFOLD001";
}
