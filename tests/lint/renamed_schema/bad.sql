alter schema app rename to application; -- finding
